import type { ActiveJournal } from './active_journal.ts';
import type { BalancerEnvironment } from './balancer_environment.ts';
import type { Host } from './host.ts';
import { IntMap } from './int_map.ts';

/** No count of another worker is older than this at a pick, in milliseconds, unless that is more hosts than READS_AT_ONCE. */
const MAX_AGE_MS = 100;
const READS_AT_ONCE = 4096;
/** How often a pick tries another host because the one it found has more requests by now. */
const TRIES = 4;

/**
 * Hosts in order of their active requests, kept in order while requests come and go: the least busy one in constant time, whatever
 * their number. Requests of this worker are known at once (from the journal); those of others when a host comes up in the rounds that
 * picks make as time passes, at the latest 100 ms later, and of the host that is chosen. `order` holds the hosts by their count, those of
 * `count` from begin[count] to begin[count + 1]: one request more or less is one swap at the border of its group.
 */
export class ActiveOrder {
  /** Where each host's requests are counted, in all slabs alike. */
  private readonly indexes: Int32Array;
  private readonly own: Float64Array;
  private readonly others: readonly Float64Array[];
  private readonly journal: ActiveJournal | null;
  private readonly environment: BalancerEnvironment;
  /** Host by where its requests are counted. */
  private readonly hostAt: IntMap;
  private readonly counts: Int32Array;
  /** How many of them were other workers' when last looked at. */
  private readonly othersCounts: Int32Array;
  private readonly order: Int32Array;
  private readonly positions: Int32Array;
  private begin: Int32Array;
  private least: number;
  /** First entry of the journal that is not read yet. */
  private seen: number;
  /** Whose other workers' requests are looked at next. */
  private cursor: number;
  private readMs: number;

  /** At least one host. Without a journal every pick looks at all of them. */
  constructor(hosts: readonly Host[], journal: ActiveJournal | null, environment: BalancerEnvironment) {
    const count = hosts.length;
    this.indexes = Int32Array.from(hosts, (host) => host.activeRequestsIndex);
    this.own = hosts[0].ownStats;
    this.others = hosts[0].statsOfAll.filter((slab) => slab !== this.own);
    this.journal = journal;
    this.environment = environment;
    this.hostAt = new IntMap(hosts.map((host) => host.activeRequestsIndex));
    this.counts = new Int32Array(count);
    this.othersCounts = new Int32Array(count);
    this.order = new Int32Array(count);
    this.positions = new Int32Array(count);
    this.begin = new Int32Array(64);
    this.least = 0;
    this.seen = journal === null ? 0 : journal.next;
    this.cursor = 0;
    this.readMs = environment.nowMs();
    this.rebuild();
  }

  /** One of those with the fewest requests, each with the same chance; `random` in [0, 2^32). */
  choose(random: number): number {
    this.readJournal();
    const { order } = this;
    if (this.others.length === 0) return order[random % this.begin[this.least + 1]];
    this.readOthers();
    let host = order[random % this.begin[this.least + 1]];
    for (let i = 1; i < TRIES; i++) {
      if (!this.hasMore(host)) break;
      host = order[random % this.begin[this.least + 1]];
    }
    return host;
  }

  /** Reads what others do with this host; answers whether it is busier than it was known to be. */
  private hasMore(host: number): boolean {
    const now = this.countOthers(host);
    const more = now - this.othersCounts[host];
    if (more === 0) return false;
    this.othersCounts[host] = now;
    this.move(host, this.own[this.indexes[host]] + now);
    return more > 0;
  }

  private countOthers(host: number): number {
    const { others } = this;
    const at = this.indexes[host];
    let sum = 0;
    for (let i = 0; i < others.length; i++) sum += others[i][at];
    return sum;
  }

  private readJournal(): void {
    const { journal, own, othersCounts, hostAt } = this;
    if (journal === null) {
      this.rebuild();
      return;
    }
    const { next, entries, capacity } = journal;
    const behind = (next - this.seen) | 0;
    if (behind === 0) return;
    // Reading everything anew costs less then, or entries are lost.
    if (behind < 0 || behind > capacity || behind > this.counts.length + 16) this.rebuild();
    else {
      for (let i = this.seen; i !== next; i = (i + 1) | 0) {
        const index = entries[i & (capacity - 1)];
        const host = hostAt.get(index);
        if (host >= 0) this.move(host, own[index] + othersCounts[host]);
      }
    }
    this.seen = next;
  }

  /** The next hosts, the more the longer ago the last ones were read. */
  private readOthers(): void {
    const { environment } = this;
    const count = this.counts.length;
    const nowMs = environment.nowMs();
    const elapsed = Math.abs(nowMs - this.readMs);
    // Once a turn of the worker: each word may have to come from another core.
    if (elapsed === 0) return;
    this.readMs = nowMs;
    let due = Math.min(count, READS_AT_ONCE, Math.ceil((count * elapsed) / MAX_AGE_MS));
    let host = this.cursor;
    while (due-- > 0) {
      this.hasMore(host);
      if (++host === count) host = 0;
    }
    this.cursor = host;
  }

  private move(host: number, active: number): void {
    const count = active < 0 ? 0 : active;
    let current = this.counts[host];
    if (current === count) return;
    if (count >= this.begin.length - 1) this.makeRoom(count);
    const { begin } = this;
    while (current < count) {
      this.place(host, --begin[++current]);
      if (begin[this.least + 1] === 0) this.least++;
    }
    while (current > count) {
      this.place(host, begin[current--]++);
      if (current < this.least) this.least = current;
    }
    this.counts[host] = count;
  }

  /** Swaps the host with who is at a position. */
  private place(host: number, position: number): void {
    const { order, positions } = this;
    const other = order[position];
    const from = positions[host];
    order[from] = other;
    positions[other] = from;
    order[position] = host;
    positions[host] = position;
  }

  private makeRoom(count: number): void {
    const begin = new Int32Array(Math.max(2 * this.begin.length, count + 2)).fill(this.counts.length);
    begin.set(this.begin);
    this.begin = begin;
  }

  private rebuild(): void {
    const { counts, order, positions, own, indexes, othersCounts } = this;
    const size = counts.length;
    let least = 0x7fff_ffff;
    let most = 0;
    for (let i = 0; i < size; i++) {
      const others = this.countOthers(i);
      othersCounts[i] = others;
      const count = Math.max(0, own[indexes[i]] + others);
      counts[i] = count;
      if (count < least) least = count;
      if (count > most) most = count;
    }
    if (most >= this.begin.length - 1) this.makeRoom(most);
    const begin = this.begin.fill(0);
    for (let i = 0; i < size; i++) begin[counts[i]]++;
    // First where each group ends; filling them from the back leaves where they begin.
    for (let i = 1; i < begin.length; i++) begin[i] += begin[i - 1];
    for (let i = size - 1; i >= 0; i--) {
      const position = --begin[counts[i]];
      order[position] = i;
      positions[i] = position;
    }
    this.least = least;
  }
}
