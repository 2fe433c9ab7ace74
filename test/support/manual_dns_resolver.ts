import type { DnsAnswer, DnsLookupFamily, DnsResolver } from '../../core/network/dns_resolver.ts';

/** A resolver whose questions wait until the test answers them. */
export class ManualDnsResolver implements DnsResolver {
  readonly questions: { readonly name: string; readonly family: DnsLookupFamily; readonly callback: (answer: DnsAnswer) => void }[] = [];
  isClosed = false;

  resolve(name: string, family: DnsLookupFamily, callback: (answer: DnsAnswer) => void): void {
    this.questions.push({ name, family, callback });
  }

  close(): void {
    this.isClosed = true;
  }

  /** Answers the oldest question for a name with addresses. */
  answer(name: string, addresses: readonly string[], ttlSec = 0): void {
    this.take(name)({ status: 'completed', addresses: addresses.map((address) => ({ address, ttlSec })) });
  }

  fail(name: string, reason = 'ESERVFAIL'): void {
    this.take(name)({ status: 'failed', reason });
  }

  private take(name: string): (answer: DnsAnswer) => void {
    const index = this.questions.findIndex((question) => question.name === name);
    if (index < 0) throw new Error(`nobody asks for ${name}`);
    return this.questions.splice(index, 1)[0].callback;
  }
}
