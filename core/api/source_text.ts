/** A text that configuration was read from, with the name that messages call it by. Offsets are UTF-16 units. */
export class SourceText {
  /** What the user calls it: a path as given, or e.g. `--config-yaml`. */
  readonly file: string;
  readonly text: string;
  private lineStarts: number[] | undefined;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    this.lineStarts = undefined;
  }

  /** Line and column of an offset, both counted from 1. */
  lineColumn(offset: number): { line: number; column: number } {
    const starts = this.starts();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - starts[low] + 1 };
  }

  /** The text of a line (counted from 1) without its end. Empty beyond the last. */
  line(number: number): string {
    const starts = this.starts();
    if (number < 1 || number > starts.length) return '';
    const end = number < starts.length ? starts[number] - 1 : this.text.length;
    return this.text.slice(starts[number - 1], end).replace(/\r$/, '');
  }

  private starts(): number[] {
    if (this.lineStarts !== undefined) return this.lineStarts;
    const starts = [0];
    for (let i = this.text.indexOf('\n'); i >= 0; i = this.text.indexOf('\n', i + 1)) starts.push(i + 1);
    this.lineStarts = starts;
    return starts;
  }
}

/** A stretch of a source text: what a code frame underlines. */
export interface SourceRange {
  readonly source: SourceText;
  readonly start: number;
  readonly end: number;
}
