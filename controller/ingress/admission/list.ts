/** A place in a list, by which it is taken out again. */
export interface Place<T> {
  readonly value: T;
  previous: Place<T> | undefined;
  next: Place<T> | undefined;
  /** Whether it is still in its list. */
  isIn: boolean;
}

/** A list that is left from anywhere in O(1), as people leave a queue. */
export class LinkedList<T> {
  #first: Place<T> | undefined;
  #last: Place<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): T | undefined {
    return this.#first?.value;
  }

  push(value: T): Place<T> {
    const place: Place<T> = { value, previous: this.#last, next: undefined, isIn: true };
    if (this.#last === undefined) this.#first = place;
    else this.#last.next = place;
    this.#last = place;
    this.#size += 1;
    return place;
  }

  /** Takes a place out; one that is out already stays so. */
  remove(place: Place<T>): void {
    if (!place.isIn) return;
    const { previous, next } = place;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    place.isIn = false;
    place.previous = undefined;
    place.next = undefined;
    this.#size -= 1;
  }

  shift(): T | undefined {
    const place = this.#first;
    if (place !== undefined) this.remove(place);
    return place?.value;
  }
}
