/**
 * Members of a JSON object whose values are texts, numbers, null or objects of such; null: it is nothing like that. What protobuf's parser
 * lets pass is read too: single quotes, names without quotes, a comma behind the last member. Of two members of a name the last one counts. Texts are Unicode; a tab within them is allowed.
 */
export type Scalar = string | number | null;
export type Members = Map<string, Scalar | Map<string, Scalar>>;

export function readObject(text: string): Members | null {
  const reader = new JsonReader(text);
  const members: Members = new Map();
  return reader.object(members, 0) && reader.isAtEnd() ? members : null;
}

const BLANKS = /[ \t\r\n]*/y;
const NAME = /(?!(?:null|true|false)\b)[A-Za-z_]\w*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.$])/y;
const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/y;
const NULL = /null(?![\w$])/y;

class JsonReader {
  private readonly text: string;
  private position: number;

  constructor(text: string) {
    this.text = text;
    this.position = 0;
  }

  isAtEnd(): boolean {
    this.take(BLANKS);
    return this.position === this.text.length;
  }

  /** `depth`: of objects around it. False: malformed. */
  object(members: Map<string, Scalar | Map<string, Scalar>>, depth: number): boolean {
    if (!this.takeSign('{')) return false;
    while (!this.takeSign('}')) {
      const name = this.name();
      if (name === null || !this.takeSign(':')) return false;
      const value = this.value(depth);
      if (value === undefined) return false;
      members.set(name, value);
      if (!this.takeSign(',') && this.next() !== '}') return false;
    }
    return true;
  }

  /** undefined: malformed. */
  private value(depth: number): Scalar | Map<string, Scalar> | undefined {
    const next = this.next();
    if (next === '{') {
      const members = new Map<string, Scalar>();
      return depth === 0 && this.object(members, depth + 1) ? members : undefined;
    }
    if (next === '"' || next === "'") return this.quoted() ?? undefined;
    if (this.take(NULL) !== null) return null;
    const number = this.take(NUMBER);
    return number === null ? undefined : Number(number);
  }

  private name(): string | null {
    const next = this.next();
    return next === '"' || next === "'" ? this.quoted() : this.take(NAME);
  }

  private quoted(): string | null {
    const whole = this.take(QUOTED);
    if (whole === null) return null;
    const inner = whole.slice(1, -1);
    const text = whole.startsWith("'") ? inner.replace(/\\'/g, "'").replace(/(\\.)|"/g, (_, escaped: string | undefined) => escaped ?? '\\"') : inner;
    try {
      const value = JSON.parse(`"${text.replaceAll('\t', '\\t')}"`) as string;
      return value.isWellFormed() ? value : null;
    } catch {
      return null;
    }
  }

  private next(): string {
    this.take(BLANKS);
    return this.text.charAt(this.position);
  }

  private takeSign(sign: string): boolean {
    if (this.next() !== sign) return false;
    this.position++;
    return true;
  }

  private take(pattern: RegExp): string | null {
    pattern.lastIndex = this.position;
    const match = pattern.exec(this.text);
    if (match === null) return null;
    this.position += match[0].length;
    return match[0];
  }
}
