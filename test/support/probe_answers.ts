import type { Prober, ProbeListener } from '../../core/upstream/health_prober.ts';

/** What a prober says, as words. */
export class ProbeAnswers implements ProbeListener {
  /** Said since they were last asked for. */
  readonly said: string[] = [];
  private wake: () => void = () => {};

  onSuccess(isDegraded: boolean): void {
    this.say(isDegraded ? 'degraded' : 'success');
  }

  onFailure(type: 'ACTIVE' | 'NETWORK', isRetriable: boolean): void {
    this.say(isRetriable ? `${type} retriable` : type);
  }

  onExclude(): void {
    this.said.push('exclude');
  }

  /** Waits until something is said from now on. */
  async next(): Promise<string> {
    const count = this.said.length;
    while (this.said.length === count) await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    return this.said.splice(0).join(', ');
  }

  /** One check. */
  async ask(prober: Prober): Promise<string> {
    const next = this.next();
    prober.probe();
    return next;
  }

  private say(text: string): void {
    this.said.push(text);
    this.wake();
  }
}
