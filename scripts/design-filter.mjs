// Designs the low-pass filter of src/audio/resampler.ts and writes its table; with --check it only compares.
//   node scripts/design-filter.mjs [--check]
// Linear phase, equiripple: the exchange of Remez as Parks and McClellan use it (IEEE Trans. Circuit Theory, 1972).
import { readFileSync, writeFileSync } from 'node:fs';

const rateHz = 24_000;
// Odd, so that the delay is a whole number of samples; 95 is the most that fits 3 phases of 32 taps.
const taps = 95;
const bands = [
  { fromHz: 0, toHz: 3_400, gain: 1, weight: 1 },
  // Everything that would be an image of the pass band at 24 kHz, or an alias into it at 8 kHz. Ripple of the pass band
  // may be twenty times larger: 0.007 dB is inaudible long before -94 dB is.
  { fromHz: 4_600, toHz: rateHz / 2, gain: 0, weight: 20 },
];
const tableFile = new URL('../src/audio/resampler-coefficients.ts', import.meta.url);

const half = designHalf();
if (process.argv.includes('--check')) {
  const [, body] = readFileSync(tableFile, 'utf8').split('= [');
  const table = [...(body ?? '').matchAll(/-?[\d.e-]+(?=,)/g)].map(Number);
  const same = table.length === half.length && half.every((value, i) => Math.abs(value - table[i]) < 1e-10);
  console.log(same ? 'the table is the one designed here' : 'the table differs: run node scripts/design-filter.mjs');
  process.exitCode = same ? 0 : 1;
} else {
  writeFileSync(tableFile, tableText());
}

/** The first 48 of the 95 coefficients; the rest mirrors them. */
function designHalf() {
  const cosines = (taps + 1) / 2;
  const grid = denseGrid(cosines);
  let extremes = Array.from({ length: cosines + 1 }, (_, i) => grid[Math.round((i * (grid.length - 1)) / cosines)]);
  for (let round = 0; round < 100; round += 1) {
    const { amplitudes, ripple } = solveEquiripple(extremes, cosines);
    const errors = grid.map((point) => point.weight * (point.gain - amplitudeAt(point, amplitudes)));
    extremes = exchange(grid, errors, cosines + 1);
    const worst = Math.max(...errors.map(Math.abs));
    if (worst - Math.abs(ripple) < 1e-9) {
      // A cosine of amplitude a is two taps of a/2, one on each side of the centre.
      return amplitudes.map((value, i) => (i === 0 ? value : value / 2)).reverse();
    }
  }
  throw new Error('the exchange did not converge');
}

function denseGrid(cosines) {
  const stepHz = rateHz / 2 / (cosines * 32);
  return bands.flatMap(({ fromHz, toHz, gain, weight }) => {
    const points = Math.ceil((toHz - fromHz) / stepHz);
    return Array.from({ length: points + 1 }, (_, i) => {
      const hz = fromHz + ((toHz - fromHz) * i) / points;
      return { angle: (2 * Math.PI * hz) / rateHz, gain, weight, edge: i === 0 || i === points };
    });
  });
}

function amplitudeAt(point, amplitudes) {
  return amplitudes.reduce((sum, value, k) => sum + value * Math.cos(k * point.angle), 0);
}

/** The amplitudes whose weighted error is +ripple, -ripple, +ripple ... at the given points. */
function solveEquiripple(points, cosines) {
  const rows = points.map((point, i) => [
    ...Array.from({ length: cosines }, (_, k) => Math.cos(k * point.angle)),
    (i % 2 === 0 ? 1 : -1) / point.weight,
    point.gain,
  ]);
  const solution = solveLinear(rows);
  return { amplitudes: solution.slice(0, cosines), ripple: solution[cosines] };
}

/** Gauss-Jordan with row pivoting on an augmented matrix. */
function solveLinear(rows) {
  const size = rows.length;
  for (let column = 0; column < size; column += 1) {
    let pivot = column;
    for (let row = column + 1; row < size; row += 1) {
      if (Math.abs(rows[row][column]) > Math.abs(rows[pivot][column])) pivot = row;
    }
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    for (let row = 0; row < size; row += 1) {
      if (row === column) continue;
      const factor = rows[row][column] / rows[column][column];
      for (let k = column; k <= size; k += 1) rows[row][k] -= factor * rows[column][k];
    }
  }
  return rows.map((row, i) => row[size] / row[i]);
}

/** The points where the error peaks, signs alternating, the largest `count` of them. */
function exchange(grid, errors, count) {
  const alternating = [];
  grid.forEach((point, i) => {
    const size = Math.abs(errors[i]);
    const peak = point.edge || (size >= Math.abs(errors[i - 1] ?? 0) && size >= Math.abs(errors[i + 1] ?? 0));
    if (!peak) return;
    const last = alternating.at(-1);
    if (last === undefined || Math.sign(errors[i]) !== Math.sign(errors[last])) alternating.push(i);
    else if (size > Math.abs(errors[last])) alternating[alternating.length - 1] = i;
  });
  // Only an end can go without two neighbours of one sign meeting.
  while (alternating.length > count) {
    if (Math.abs(errors[alternating[0]]) < Math.abs(errors[alternating.at(-1)])) alternating.shift();
    else alternating.pop();
  }
  return alternating.map((i) => grid[i]);
}

function tableText() {
  const lines = [''];
  for (const value of half) {
    const entry = ` ${Number(value.toFixed(12))},`;
    // As wide as the formatter fills it.
    if (lines.at(-1).length + entry.length > 119) lines.push('');
    lines[lines.length - 1] += entry;
  }
  return `/**
 * The first half, centre included, of the symmetric low-pass filter that both resamplers share: ${taps} taps at 24 kHz,
 * gain 1 in the pass band. Made by scripts/design-filter.mjs: change it there.
 */
export const lowPassHalf: readonly number[] = [
${lines.map((line) => ` ${line}`).join('\n')}
];
`;
}
