/** The process's signals, as Envoy treats them (operations/cli). Thread: main. */

export interface SignalActions {
  /** SIGTERM, SIGINT: end now, without draining. */
  onTerminate(signal: 'SIGTERM' | 'SIGINT'): void;
  /** SIGUSR1: reopen log files. */
  onReopenLogs(): void;
  /** SIGHUP: nothing happens, but it is said. */
  onHangup(): void;
}

/** Listens to the signals; returns what stops that. */
export function handleSignals(actions: SignalActions): () => void {
  const listeners: readonly (readonly [NodeJS.Signals, () => void])[] = [
    ['SIGTERM', () => actions.onTerminate('SIGTERM')],
    ['SIGINT', () => actions.onTerminate('SIGINT')],
    ['SIGUSR1', () => actions.onReopenLogs()],
    ['SIGHUP', () => actions.onHangup()],
  ];
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}
