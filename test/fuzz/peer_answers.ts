/** What a reader of a peer's answers makes of them, and why it gave up if it did. */
export function answersOf<T>(reader: { readonly malformed: string | undefined; add(chunk: Uint8Array): T[] }, chunks: readonly Uint8Array[]): (T | string)[] {
  const answers: (T | string)[] = [];
  for (const chunk of chunks) {
    answers.push(...reader.add(chunk));
    if (reader.malformed !== undefined) return [...answers, reader.malformed];
  }
  return answers;
}
