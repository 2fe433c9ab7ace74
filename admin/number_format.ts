/** C's `%g` with the given number of significant digits: no trailing zeros, an exponent for the very large and very small. */
export function formatG(value: number, digits: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return '0';
  const exponent = Number(value.toExponential(digits - 1).split('e')[1]);
  if (exponent >= -4 && exponent < digits) return stripZeros(value.toFixed(Math.min(100, Math.max(0, digits - 1 - exponent))));
  const [mantissa, power] = value.toExponential(digits - 1).split('e');
  const sign = power.startsWith('-') ? '-' : '+';
  return `${stripZeros(mantissa)}e${sign}${power.slice(1).padStart(2, '0')}`;
}

/** The shortest text that reads back as the same number; `nan` for NaN. */
export function formatShortest(value: number): string {
  return Number.isNaN(value) ? 'nan' : String(value);
}

function stripZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
