import { setImmediate as nextTurn } from 'node:timers/promises';
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';

/** What the other side posts parts with. */
export interface PartSender {
  postMessage(part: unknown): void;
}

/** Takes in from another thread, part by part, what would stall this one as a single message. Thread: main. */
export class PartChannel {
  private readonly receiver: MessagePort;
  /** To be transferred to the other thread. */
  readonly sender: PartSender;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.receiver = port1;
    this.sender = port2;
  }

  /** Hands on every part posted so far, each in a turn of its own: a listener would be given all of them in one. */
  async receiveAll(take: (part: unknown) => void): Promise<void> {
    for (let message = receiveMessageOnPort(this.receiver); message !== undefined; message = receiveMessageOnPort(this.receiver)) {
      take(message.message);
      await nextTurn();
    }
  }

  /** The next part, when it comes. */
  next(): Promise<unknown> {
    return new Promise((resolve) => this.receiver.once('message', resolve));
  }

  close(): void {
    this.receiver.close();
  }
}
