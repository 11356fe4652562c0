import { renderCallPicture } from '../../src/phone/picture';

const tone = (ms: number, amplitude: number): Int16Array =>
  Int16Array.from({ length: ms * 8 }, (_, i) => amplitude * Math.sin(i / 3));

function picture(overrides: Partial<Parameters<typeof renderCallPicture>[0]> = {}): string {
  return renderCallPicture({
    title: 'A call',
    rateHz: 8_000,
    caller: tone(2_000, 8_000),
    agent: tone(4_000, 8_000),
    callerTurns: [{ startMs: 0, endMs: 2_000 }],
    agentTurns: [{ startMs: 0, endMs: 4_000 }],
    interruptions: [{ atMs: 1_000, agentSilentAfterMs: 40 }],
    ...overrides,
  });
}

describe('renderCallPicture', () => {
  test('marks each interruption with how long the agent went on', () => {
    expect(picture()).toContain('barge-in 1: agent silent after 40 ms');
    expect(picture({ interruptions: [] })).not.toContain('barge-in 1');
  });

  test('draws both waveforms and one bar a turn', () => {
    const svg = picture();
    expect(svg.match(/<path /g)).toHaveLength(2);
    expect(svg.match(/rx="2.5"/g)).toHaveLength(2);
  });

  test('a louder side has a taller outline', () => {
    const heightOf = (svg: string): number => {
      const ys = [...(/<path d="M([^"]+)"/.exec(svg)?.[1] ?? '').matchAll(/,([\d.]+)/g)].map((match) =>
        Number(match[1]),
      );
      return Math.max(...ys) - Math.min(...ys);
    };
    expect(heightOf(picture({ caller: tone(2_000, 16_000) }))).toBeGreaterThan(
      heightOf(picture({ caller: tone(2_000, 1_000) })),
    );
  });

  test('a title with markup stays text', () => {
    expect(picture({ title: '<script>&' })).not.toContain('<script>');
  });

  test('a call without any audio still gives a picture', () => {
    expect(
      picture({
        caller: new Int16Array(0),
        agent: new Int16Array(0),
        callerTurns: [],
        agentTurns: [],
        interruptions: [],
      }),
    ).toContain('</svg>');
  });
});
