/** Mean of success rates (percent), and the rate below which a host is an outlier: `factor` standard deviations less. At least one rate. */
export function successRateThreshold(rates: readonly number[], factor: number): { readonly average: number; readonly threshold: number } {
  let sum = 0;
  for (const rate of rates) sum += rate;
  const average = sum / rates.length;
  let squares = 0;
  for (const rate of rates) squares += (rate - average) ** 2;
  return { average, threshold: average - factor * Math.sqrt(squares / rates.length) };
}
