import type { ChaosOutcome } from './chaos_client.ts';

/** What a route of a chaos test promises. Its path is `/<name>/`. */
export interface ChaosPolicy {
  readonly name: string;
  /** Whether this answer is one of those that the route's policy allows. */
  allows(outcome: ChaosOutcome): boolean;
}

/** What a client may see of an upstream that does what it likes: 0 is a response that was cut after it had begun. */
const OF_UPSTREAMS: ReadonlySet<number> = new Set([0, 200, 500, 502, 503, 504]);

/** A whole answer is the one to this request: responses are never mixed up, and never look complete when they are not. */
function isOfUpstream({ status, body, id }: ChaosOutcome): boolean {
  return OF_UPSTREAMS.has(status) && (status !== 200 || body === '' || body === id);
}

/** To upstreams; the same with retries, with tries beside slow ones, and with a short time limit. Then what no upstream has a part in. */
export const CHAOS_POLICIES: readonly ChaosPolicy[] = [
  { name: 'plain', allows: isOfUpstream },
  { name: 'retry', allows: isOfUpstream },
  { name: 'hedged', allows: isOfUpstream },
  { name: 'short', allows: isOfUpstream },
  { name: 'direct', allows: ({ status, body }) => status === 200 && (body === '' || body === 'direct') },
  { name: 'redirect', allows: ({ status, location }) => status === 301 && location !== '' },
  { name: 'gone', allows: ({ status }) => status === 503 },
];

/** What became of the requests of a run. */
export class ChaosTally {
  answered = 0;
  readonly wrong: string[] = [];
  /** Counts by policy and status. */
  private readonly counts = new Map<string, number>();

  judge(policy: ChaosPolicy, outcome: ChaosOutcome): void {
    const key = `${policy.name} ${outcome.status}`;
    this.answered++;
    this.counts.set(key, this.count(policy.name, outcome.status) + 1);
    // One answer and nothing behind it.
    if (outcome.excess !== '' || !policy.allows(outcome)) this.wrong.push(`${policy.name}: ${JSON.stringify(outcome)}`);
  }

  count(policy: string, status: number): number {
    return this.counts.get(`${policy} ${status}`) ?? 0;
  }

  /** Part of a policy's answers that are 200. */
  successShare(policy: string): number {
    let total = 0;
    for (const [key, count] of this.counts) if (key.startsWith(`${policy} `)) total += count;
    return this.count(policy, 200) / total;
  }

  toString(): string {
    return [...this.counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, count]) => `${key}: ${count}`).join(', ');
  }
}
