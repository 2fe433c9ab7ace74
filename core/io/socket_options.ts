/** Socket options by number as the addon takes them: one record after the other, see native/src/socket_options.h. */

/** When an option is set: before the local address is bound, or after. */
export const OptionStage = { beforeBind: 0, afterBind: 1 } as const;

export interface SocketOption {
  readonly stage: (typeof OptionStage)[keyof typeof OptionStage];
  readonly level: number;
  readonly name: number;
  /** An int, or its bytes as they are. */
  readonly value: number | Uint8Array;
}

/** Plain data: survives a structured clone. */
export function packSocketOptions(options: readonly SocketOption[]): Int32Array {
  const words: number[] = [];
  for (const { stage, level, name, value } of options) {
    if (typeof value === 'number') {
      words.push(stage, level, name, 4, value);
      continue;
    }
    const padded = new Uint8Array(Math.ceil(value.length / 4) * 4);
    padded.set(value);
    words.push(stage, level, name, value.length, ...new Int32Array(padded.buffer));
  }
  return Int32Array.from(words);
}
