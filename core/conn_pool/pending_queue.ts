import type { PoolRequest } from './conn_pool.ts';

/** Requests waiting for a connection, first in first out; a doubly linked list through the requests themselves. */
export class PendingQueue {
  private head: PoolRequest | null;
  private tail: PoolRequest | null;
  size: number;

  constructor() {
    this.head = null;
    this.tail = null;
    this.size = 0;
  }

  push(request: PoolRequest): void {
    request.poolNext = null;
    request.poolPrevious = this.tail;
    if (this.tail === null) this.head = request;
    else this.tail.poolNext = request;
    this.tail = request;
    this.size++;
  }

  shift(): PoolRequest | null {
    const request = this.head;
    if (request !== null) this.remove(request);
    return request;
  }

  /** Takes a request out that is known to be in this queue. */
  remove(request: PoolRequest): void {
    if (request.poolPrevious === null) this.head = request.poolNext;
    else request.poolPrevious.poolNext = request.poolNext;
    if (request.poolNext === null) this.tail = request.poolPrevious;
    else request.poolNext.poolPrevious = request.poolPrevious;
    request.poolNext = null;
    request.poolPrevious = null;
    this.size--;
  }
}
