/**
 * A re-armable timer on its worker's wheel. Arming and disarming are a few stores: the wheel moves a timer lazily, when its old
 * slot comes up. Resolution: the wheel's tick (see timer_wheel.ts); it never fires early.
 */
export interface Timer {
  /** Fires once, `ms` from this turn's clock; re-arms if already armed. */
  enable(ms: number): void;
  disable(): void;
  readonly enabled: boolean;
}
