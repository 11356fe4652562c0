import type { PcmFrame } from '../audio/pcm';

/** A stretch of speech on one channel, in milliseconds from the answer. */
export interface PictureTurn {
  startMs: number;
  endMs: number;
}

/** Both sides of one call on one time axis that begins with the answer. */
export interface CallPicture {
  title: string;
  rateHz: number;
  caller: PcmFrame;
  agent: PcmFrame;
  callerTurns: readonly PictureTurn[];
  agentTurns: readonly PictureTurn[];
  /** Moments at which the caller spoke over the agent. */
  interruptions: readonly { atMs: number; agentSilentAfterMs: number | undefined }[];
}

const width = 1_200;
const margin = { left: 84, right: 24, top: 76, bottom: 46 };
const laneHeight = 120;
const laneGap = 44;
const plotWidth = width - margin.left - margin.right;
const height = margin.top + 2 * laneHeight + laneGap + margin.bottom;

const colour = {
  ink: '#1d2733',
  quiet: '#6b7785',
  rule: '#dfe4ea',
  caller: '#1f6feb',
  agent: '#1a7f4b',
  interruption: '#c62828',
};

/** Draws the call as a self-contained SVG: waveforms, turns, and each barge-in marked. */
export function renderCallPicture(picture: CallPicture): string {
  const durationMs = Math.max(1, (Math.max(picture.caller.length, picture.agent.length) * 1_000) / picture.rateHz);
  const xOf = (ms: number): number => margin.left + (plotWidth * Math.min(Math.max(ms, 0), durationMs)) / durationMs;
  const callerTop = margin.top;
  const agentTop = margin.top + laneHeight + laneGap;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif">`,
    `<title>${escapeXml(picture.title)}</title>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    text({ x: margin.left, y: 32, size: 18, fill: colour.ink, weight: 600 }, picture.title),
    legend(),
    timeAxis({ durationMs, xOf }),
    lane({
      name: 'Caller',
      top: callerTop,
      fill: colour.caller,
      samples: picture.caller,
      turns: picture.callerTurns,
      picture,
      durationMs,
      xOf,
    }),
    lane({
      name: 'Agent',
      top: agentTop,
      fill: colour.agent,
      samples: picture.agent,
      turns: picture.agentTurns,
      picture,
      durationMs,
      xOf,
    }),
    ...picture.interruptions.map((interruption, index) => bargeIn({ ...interruption, number: index + 1, xOf })),
    '</svg>',
  ];
  return parts.join('\n');
}

interface Lane {
  name: string;
  top: number;
  fill: string;
  samples: PcmFrame;
  turns: readonly PictureTurn[];
  picture: CallPicture;
  durationMs: number;
  xOf: (ms: number) => number;
}

function lane({ name, top, fill, samples, turns, picture, durationMs, xOf }: Lane): string {
  const middle = top + laneHeight / 2;
  const bars = turns.map(({ startMs, endMs }) => {
    const x = xOf(startMs);
    return `<rect x="${fixed(x)}" y="${top - 10}" width="${fixed(Math.max(1, xOf(endMs) - x))}" height="5" rx="2.5" fill="${fill}"/>`;
  });
  return [
    text({ x: margin.left - 12, y: middle + 5, size: 14, fill, weight: 600, anchor: 'end' }, name),
    `<line x1="${margin.left}" y1="${middle}" x2="${width - margin.right}" y2="${middle}" stroke="${colour.rule}"/>`,
    ...bars,
    `<path d="${waveform({ samples, middle, samplesTotal: (durationMs * picture.rateHz) / 1_000 })}" fill="${fill}" fill-opacity="0.75"/>`,
  ].join('\n');
}

/** The outline of the loudest samples in each column, up and down. */
function waveform({
  samples,
  middle,
  samplesTotal,
}: {
  samples: PcmFrame;
  middle: number;
  samplesTotal: number;
}): string {
  const upper: string[] = [];
  const lower: string[] = [];
  const samplesPerColumn = samplesTotal / plotWidth;
  for (let column = 0; column < plotWidth; column += 1) {
    const from = Math.floor(column * samplesPerColumn);
    const to = Math.min(samples.length, Math.max(from + 1, Math.floor((column + 1) * samplesPerColumn)));
    let highest = 0;
    let lowest = 0;
    for (let i = from; i < to; i += 1) {
      const sample = samples[i] ?? 0;
      if (sample > highest) highest = sample;
      if (sample < lowest) lowest = sample;
    }
    const x = margin.left + column;
    upper.push(`${x},${fixed(middle - scaled(highest))}`);
    lower.push(`${x},${fixed(middle - scaled(lowest))}`);
  }
  return `M${upper.join('L')}L${lower.reverse().join('L')}Z`;
}

/** A square root opens up the quiet parts: telephone speech lies around -20 dBFS. */
function scaled(sample: number): number {
  return Math.sign(sample) * Math.sqrt(Math.abs(sample) / 32_768) * (laneHeight / 2);
}

function timeAxis({ durationMs, xOf }: { durationMs: number; xOf: (ms: number) => number }): string {
  const bottom = height - margin.bottom + 10;
  const stepMs = [500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000].find((step) => durationMs / step <= 24) ?? 300_000;
  const lines: string[] = [];
  for (let ms = 0; ms <= durationMs; ms += stepMs) {
    const x = fixed(xOf(ms));
    lines.push(`<line x1="${x}" y1="${margin.top - 14}" x2="${x}" y2="${bottom}" stroke="${colour.rule}"/>`);
    const label = stepMs < 1_000 ? (ms / 1_000).toFixed(1) : String(ms / 1_000);
    lines.push(text({ x: xOf(ms), y: bottom + 18, size: 12, fill: colour.quiet, anchor: 'middle' }, `${label} s`));
  }
  return lines.join('\n');
}

function bargeIn({
  atMs,
  agentSilentAfterMs,
  number,
  xOf,
}: {
  atMs: number;
  agentSilentAfterMs: number | undefined;
  number: number;
  xOf: (ms: number) => number;
}): string {
  const x = xOf(atMs);
  const label =
    agentSilentAfterMs === undefined
      ? `barge-in ${number}`
      : `barge-in ${number}: agent silent after ${Math.round(agentSilentAfterMs)} ms`;
  const onRight = x < width - 330;
  return [
    `<line x1="${fixed(x)}" y1="${margin.top - 14}" x2="${fixed(x)}" y2="${height - margin.bottom + 10}" stroke="${colour.interruption}" stroke-width="1.5" stroke-dasharray="5 3"/>`,
    text(
      {
        x: onRight ? x + 6 : x - 6,
        y: margin.top + laneHeight + laneGap / 2 + 4,
        size: 12,
        fill: colour.interruption,
        weight: 600,
        anchor: onRight ? 'start' : 'end',
      },
      label,
    ),
  ].join('\n');
}

function legend(): string {
  return text(
    { x: margin.left, y: 52, size: 12, fill: colour.quiet },
    'Time from the answer. Bars above a waveform: that side is speaking. Dashed line: the caller speaks over the agent.',
  );
}

interface TextStyle {
  x: number;
  y: number;
  size: number;
  fill: string;
  weight?: number;
  anchor?: 'start' | 'middle' | 'end';
}

function text({ x, y, size, fill, weight = 400, anchor = 'start' }: TextStyle, content: string): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" font-size="${size}" fill="${fill}" font-weight="${weight}" text-anchor="${anchor}">${escapeXml(content)}</text>`;
}

function fixed(value: number): string {
  return value.toFixed(1);
}

function escapeXml(content: string): string {
  return content.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
