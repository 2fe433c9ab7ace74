/**
 * Asks a Thrift host: a call must be answered with its result. Thread: main.
 *
 *     none --probe--> asking --answer--> kept (or none) --probe--> asking ...
 *                       +---- closed or malformed: NETWORK --> none
 *
 * A connection that is kept and closed by the host between two checks counts as a failure of the network. What nobody asked for
 * is dropped.
 */
import type { ProbeConnection, ProbeContext, ProbeListener, Prober } from '../../../core/upstream/health_prober.ts';
import { ThriftAnswers } from './thrift_answers.ts';
import { thriftCall } from './thrift_call.ts';
import type { ThriftProtocol, ThriftTransport } from './thrift_types.ts';

export interface ThriftProberOptions {
  readonly method: string;
  readonly transport: ThriftTransport;
  readonly protocol: ThriftProtocol;
}

export class ThriftProber implements Prober {
  private readonly options: ThriftProberOptions;
  private readonly context: ProbeContext;
  private readonly listener: ProbeListener;
  private readonly call: Uint8Array;
  private connection: ProbeConnection | undefined;
  private answers: ThriftAnswers;
  private isAsking = false;

  constructor(options: ThriftProberOptions, context: ProbeContext, listener: ProbeListener) {
    this.options = options;
    this.context = context;
    this.listener = listener;
    this.call = thriftCall(options.method, options.transport, options.protocol);
    this.answers = new ThriftAnswers(options.transport, options.protocol);
  }

  probe(): void {
    this.isAsking = true;
    (this.connection ?? this.connect()).write(this.call);
  }

  abort(): void {
    this.isAsking = false;
    this.connection?.close();
    this.connection = undefined;
  }

  close(): void {
    this.abort();
  }

  private connect(): ProbeConnection {
    const { transport, protocol } = this.options;
    this.answers = new ThriftAnswers(transport, protocol);
    const connection = this.context.connect('checks', {
      onConnected: () => {},
      onData: (chunk) => this.onData(chunk),
      onClosed: () => this.fail(),
    });
    this.connection = connection;
    return connection;
  }

  private onData(chunk: Uint8Array): void {
    const { answers, connection } = this;
    const [isSuccess] = answers.add(chunk);
    if (this.isAsking && isSuccess !== undefined) this.onAnswer(isSuccess);
    if (this.connection === connection && answers.malformed !== undefined) this.fail();
  }

  private onAnswer(isSuccess: boolean): void {
    this.isAsking = false;
    if (!this.context.reuseConnection) this.abort();
    if (isSuccess) this.listener.onSuccess(false);
    else this.listener.onFailure('ACTIVE', false);
  }

  private fail(): void {
    this.abort();
    this.listener.onFailure('NETWORK', false);
  }
}
