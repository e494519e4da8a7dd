import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

interface Turn {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * The requests of each HTTP/1 connection, one at a time: Node hands over all that a visitor pipelined at once, and each
 * would start a domain. A few wait in line; a connection that sends more is closed.
 */
export class Lines {
  readonly #most: number;
  readonly #serve: (request: IncomingMessage, response: ServerResponse) => void;
  readonly #waiting = new Map<Socket, Turn[]>();

  constructor(most: number, serve: (request: IncomingMessage, response: ServerResponse) => void) {
    this.#most = most;
    this.#serve = serve;
  }

  /** Whether a request of this connection is under way. */
  isBusy(socket: Socket): boolean {
    return this.#waiting.has(socket);
  }

  /** Whether another request of this connection waits for the one under way. */
  isAwaited(socket: Socket): boolean {
    return (this.#waiting.get(socket)?.length ?? 0) > 0;
  }

  /** Requests that wait for one before them to be answered. */
  get waiting(): number {
    return [...this.#waiting.values()].reduce((sum, turns) => sum + turns.length, 0);
  }

  join(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    // Parsed out of what came before the connection was closed.
    if (socket.destroyed) return;
    const turns = this.#waiting.get(socket);
    if (turns === undefined) {
      this.#waiting.set(socket, []);
      this.#begin({ request, response });
    } else if (turns.length < this.#most) turns.push({ request, response });
    else socket.destroy();
  }

  #begin({ request, response }: Turn): void {
    response.once('close', () => this.#next(request.socket));
    this.#serve(request, response);
  }

  #next(socket: Socket): void {
    const turn = this.#waiting.get(socket)?.shift();
    if (turn !== undefined && !socket.destroyed) this.#begin(turn);
    else this.#waiting.delete(socket);
  }
}
