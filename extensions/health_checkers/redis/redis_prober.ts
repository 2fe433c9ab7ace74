/**
 * Asks a Redis host: PING must be answered PONG, or EXISTS 0. Its connection goes where traffic goes and counts as traffic.
 * Thread: main.
 *
 *     none --probe--> connecting --connected--> asking --reply--> kept (or none) --probe--> asking ...
 *                         +---- closed, malformed, connect timeout: NETWORK --> none
 *
 * A reply that nobody asked for is dropped. The cluster's credentials go first on each connection; what the host says to them
 * does not matter, as what it says to the check then will.
 */
import { createTimer } from '../../../core/event/scheduler.ts';
import type { Timer } from '../../../core/event/timer.ts';
import type { Counter } from '../../../core/stats/stats.ts';
import type { ProbeConnection, ProbeContext, ProbeListener, Prober } from '../../../core/upstream/health_prober.ts';
import { type RespReply, RespReader, respCommand } from './resp.ts';
import { TrafficStats } from './traffic_stats.ts';

/** What a reply says about the host. */
type Verdict = 'healthy' | 'ACTIVE' | 'NETWORK';

export class RedisProber implements Prober {
  private readonly key: string;
  private readonly context: ProbeContext;
  private readonly listener: ProbeListener;
  private readonly stats: TrafficStats;
  private readonly existsFailure: Counter;
  private readonly command: Uint8Array;
  private readonly connectTimer: Timer;
  private connection: ProbeConnection | undefined;
  private reader = new RespReader();
  private isConnected = false;
  /** Replies to credentials that are still to come. */
  private credentialReplies = 0;
  private isAsking = false;

  /** `key`: '' = PING. */
  constructor(key: string, context: ProbeContext, listener: ProbeListener) {
    this.key = key;
    this.context = context;
    this.listener = listener;
    this.stats = new TrafficStats(context.traffic);
    this.existsFailure = context.traffic.scope.counter('health_check.redis.exists_failure');
    this.command = key === '' ? respCommand('PING') : respCommand('EXISTS', key);
    this.connectTimer = createTimer(context.scheduler, () => this.onConnectTimeout());
  }

  probe(): void {
    const connection = this.connection ?? this.connect();
    this.isAsking = true;
    this.stats.onRequest();
    connection.write(this.command);
  }

  abort(): void {
    if (this.isAsking) this.stats.onCancelled();
    this.end('local');
  }

  close(): void {
    this.abort();
  }

  private connect(): ProbeConnection {
    const connection = this.context.connect('traffic', {
      onConnected: () => this.onConnected(),
      onData: (chunk) => this.onData(chunk),
      onClosed: () => this.onClosed(),
    });
    this.connection = connection;
    this.reader = new RespReader();
    this.stats.onConnect();
    this.connectTimer.enable(this.context.connectTimeoutMs);
    const { credentials } = this.context;
    if (credentials !== null) {
      this.credentialReplies = 1;
      this.stats.onRequest();
      connection.write(credentials.username === '' ? respCommand('auth', credentials.password) : respCommand('auth', credentials.username, credentials.password));
    }
    return connection;
  }

  private onConnected(): void {
    this.isConnected = true;
    this.connectTimer.disable();
  }

  private onConnectTimeout(): void {
    this.stats.onConnectFailure(true);
    this.fail('local');
  }

  private onClosed(): void {
    if (!this.isConnected) this.stats.onConnectFailure(false);
    this.fail('remote');
  }

  private onData(chunk: Uint8Array): void {
    const { connection, reader } = this;
    for (const reply of reader.add(chunk)) {
      this.onReply(reply);
      // What it led to may have ended the connection.
      if (this.connection !== connection) return;
    }
    if (reader.malformed === undefined) return;
    this.stats.onProtocolError();
    this.fail('local');
  }

  private onReply(reply: RespReply): void {
    if (this.credentialReplies > 0) {
      this.credentialReplies--;
      this.stats.onRequestEnd();
      return;
    }
    if (!this.isAsking) return;
    this.isAsking = false;
    this.stats.onRequestEnd();
    const redirect = redirection(reply);
    const verdict = redirect ?? this.judge(reply);
    if (redirect === null && !this.context.reuseConnection) this.end('local');
    this.tell(verdict);
  }

  private judge(reply: RespReply): Verdict {
    if (this.key === '') return reply.kind === 'simple' && reply.text === 'PONG' ? 'healthy' : 'ACTIVE';
    if (reply.kind === 'integer' && reply.value === 0) return 'healthy';
    this.existsFailure.inc();
    return 'ACTIVE';
  }

  private tell(verdict: Verdict): void {
    if (verdict === 'healthy') this.listener.onSuccess(false);
    else this.listener.onFailure(verdict, false);
  }

  /** The connection is of no use any more; a check that waited for its reply hears of it. */
  private fail(by: 'local' | 'remote'): void {
    const { isAsking } = this;
    this.end(by);
    if (isAsking) this.tell('NETWORK');
  }

  private end(by: 'local' | 'remote'): void {
    const { connection, stats } = this;
    if (connection === undefined) return;
    const waiting = this.credentialReplies + (this.isAsking ? 1 : 0);
    for (let i = 0; i < waiting; i++) stats.onRequestEnd();
    stats.onClose(by, waiting > 0);
    this.connection = undefined;
    this.credentialReplies = 0;
    this.isAsking = false;
    this.isConnected = false;
    this.connectTimer.disable();
    connection.close();
  }
}

/** Redis Cluster: a host that knows who has the key is well; one whose cluster is down is not. null = neither. */
function redirection(reply: RespReply): Verdict | null {
  if (reply.kind !== 'error') return null;
  const words = reply.text.split(' ').filter((word) => word !== '');
  if (words.length === 3 && (words[0] === 'MOVED' || words[0] === 'ASK')) return 'healthy';
  return words[0] === 'CLUSTERDOWN' ? 'NETWORK' : null;
}
