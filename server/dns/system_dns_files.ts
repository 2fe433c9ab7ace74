/** The system's resolver configuration: /etc/hosts and /etc/resolv.conf, parsed. Pure but for the reader it is given. */

/** Returns a file's text, or undefined when it cannot be read; called on every resolution, so it should cache by change time. */
export type ReadTextFile = (path: string) => string | undefined;

export interface SearchRules {
  /** Suffixes without leading dot. */
  readonly suffixes: readonly string[];
  /** Dots from which on a name is tried as it stands first. */
  readonly ndots: number;
}

const HOSTS_PATH = '/etc/hosts';
const RESOLV_PATH = '/etc/resolv.conf';

export class SystemDnsFiles {
  private readonly readText: ReadTextFile;
  private hostsText: string | undefined;
  private hosts = new Map<string, string[]>();

  constructor(readText: ReadTextFile) {
    this.readText = readText;
  }

  /** Addresses of a name in the hosts file, in its order; empty when it is not there. */
  hostsFor(name: string): readonly string[] {
    const text = this.readText(HOSTS_PATH) ?? '';
    if (text !== this.hostsText) {
      this.hostsText = text;
      this.hosts = parseHosts(text);
    }
    return this.hosts.get(name.toLowerCase()) ?? [];
  }

  searchRules(): SearchRules {
    return parseSearchRules(this.readText(RESOLV_PATH) ?? '');
  }
}

function parseHosts(text: string): Map<string, string[]> {
  const hosts = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    for (const name of names) {
      const key = name.toLowerCase();
      const known = hosts.get(key) ?? [];
      if (!known.includes(address)) hosts.set(key, known.concat(address));
    }
  }
  return hosts;
}

function parseSearchRules(text: string): SearchRules {
  let suffixes: string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.replace(/[#;].*/, '').trim().split(/\s+/);
    if (keyword === 'search') suffixes = values;
    else if (keyword === 'domain' && values.length > 0) suffixes = values.slice(0, 1);
    else if (keyword === 'options') {
      for (const option of values) {
        const match = /^ndots:(\d+)$/.exec(option);
        if (match !== null) ndots = Math.min(15, Number(match[1]));
      }
    }
  }
  return { suffixes: suffixes.map((suffix) => suffix.replace(/^\.|\.$/g, '')).filter((suffix) => suffix !== ''), ndots };
}

/** The absolute names to ask for, in order (resolv.conf(5), `search` and `ndots`). */
export function searchCandidates(name: string, rules: SearchRules): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const searched = rules.suffixes.map((suffix) => `${name}.${suffix}`);
  const dots = name.split('.').length - 1;
  return dots >= rules.ndots ? [name, ...searched] : [...searched, name];
}
