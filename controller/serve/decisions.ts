/** Answers of the API server that are kept for a moment: at most so many, each at most so long. Failures are not kept. */
export class Decisions<T> {
  readonly #kept = new Map<string, { readonly until: number; readonly answer: Promise<T> }>();
  readonly #now: () => number;
  readonly #keepMs: number;
  readonly #most: number;

  constructor(now: () => number, keepMs: number, most: number) {
    this.#now = now;
    this.#keepMs = keepMs;
    this.#most = most;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** The answer to a question, asked at most once at a time. Rejects as `ask` does. */
  async decide(question: string, ask: () => Promise<T>): Promise<T> {
    const now = this.#now();
    const known = this.#kept.get(question);
    if (known !== undefined && known.until > now) return known.answer;
    this.#kept.delete(question);
    const answer = ask();
    const entry = { until: now + this.#keepMs, answer };
    this.#kept.set(question, entry);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#most) break;
      this.#kept.delete(oldest);
    }
    try {
      return await answer;
    } catch (error) {
      if (this.#kept.get(question) === entry) this.#kept.delete(question);
      throw error;
    }
  }
}
