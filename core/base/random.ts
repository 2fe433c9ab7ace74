/** Numbers in [0, 1) for jitter and the like; nothing secret. Passed in as a parameter wherever tests want to choose them. */
export function systemRandom(): number {
  return Math.random();
}
