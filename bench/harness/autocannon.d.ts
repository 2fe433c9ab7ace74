/** The part of autocannon (which ships no types) that the fallback driver uses. */
declare module 'autocannon' {
  namespace autocannon {
    interface AutocannonClient {
      on(event: 'request', listener: () => void): this;
      on(event: 'headers', listener: (head: { statusCode: number }) => void): this;
      on(event: 'body', listener: (piece: Uint8Array) => void): this;
    }
    interface AutocannonOptions {
      url: string;
      connections: number;
      duration: number;
      timeout: number;
      method: string;
      headers: Record<string, string>;
      body?: string;
      reconnectRate?: number;
      setupClient?: (client: AutocannonClient) => void;
    }
    interface AutocannonResult {
      errors: number;
      timeouts: number;
      duration: number;
    }
    interface AutocannonInstance extends PromiseLike<AutocannonResult> {
      on(
        event: 'response',
        listener: (client: AutocannonClient, status: number, bytes: number, milliseconds: number) => void,
      ): this;
    }
  }
  function autocannon(options: autocannon.AutocannonOptions): autocannon.AutocannonInstance;
  export = autocannon;
}
