/** The part of dns-packet that is used here; the package brings no types. */
declare module 'dns-packet' {
  interface Question {
    readonly type: string;
    readonly name: string;
  }
  interface Answer {
    readonly type: string;
    readonly name: string;
    readonly ttl?: number;
    readonly data: unknown;
  }
  interface Packet {
    readonly id?: number;
    readonly type?: 'query' | 'response';
    readonly flags?: number;
    readonly rcode?: string;
    readonly questions?: readonly Question[];
    readonly answers?: readonly Answer[];
  }
  /** With the two bytes of length that go before a message on TCP. */
  export function streamEncode(packet: Packet): Buffer;
  export function decode(bytes: Uint8Array): Packet;
  export function encode(packet: Packet): Buffer;
  export const RECURSION_DESIRED: number;
}
