/** Decodes %XX; leaves what is not a valid escape as it is. */
function percentDecode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Parameters of a request in order of appearance. */
export class QueryParams {
  /** Pairs in order; a name without `=` has the value ''. */
  readonly entries: readonly (readonly [string, string])[];

  constructor(entries: readonly (readonly [string, string])[]) {
    this.entries = entries;
  }

  has(name: string): boolean {
    return this.entries.some((entry) => entry[0] === name);
  }

  /** The first value of a name, or undefined. */
  first(name: string): string | undefined {
    return this.entries.find((entry) => entry[0] === name)?.[1];
  }
}

/** Parses `a=1&b&c=x%20y`. `+` stays `+` (regexes are full of them), in a form's body too, as in Envoy. */
export function parseQueryParams(encoded: string): QueryParams {
  const entries: (readonly [string, string])[] = [];
  for (const part of encoded.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    if (equals < 0) entries.push([percentDecode(part), '']);
    else entries.push([percentDecode(part.slice(0, equals)), percentDecode(part.slice(equals + 1))]);
  }
  return new QueryParams(entries);
}
