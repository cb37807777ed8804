/** Numbers as people read them. */

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1e6) return `${round(count / 1e3)} kB`;
  if (count < 1e9) return `${round(count / 1e6)} MB`;
  return `${round(count / 1e9)} GB`;
}

export function milliseconds(count: number): string {
  if (count >= 1e3) return `${round(count / 1e3)} s`;
  return count >= 0.1 ? `${round(count)} ms` : `${round(count * 1e3)} µs`;
}

export function count(number: number): string {
  if (number < 1e3) return String(number);
  if (number < 1e6) return `${round(number / 1e3)} k`;
  return number < 1e9 ? `${round(number / 1e6)} M` : `${round(number / 1e9)} G`;
}

export function exponent(number: number): string {
  return number >= 1e-3 && number < 1e4 ? number.toPrecision(3) : number.toExponential(1);
}

function round(number: number): string {
  return number.toFixed(number < 10 ? 2 : number < 100 ? 1 : 0);
}
