import { ToneGenerator } from '../../src/audio/tone';
import { heardIn, HearingTable } from './hearing';

const voices = [
  { name: 'the agent', hz: 610 },
  { name: 'the person', hz: 440 },
];

function tone(hz: number, ms: number): Int16Array {
  const samples = new Int16Array(ms * 8);
  new ToneGenerator(8_000, hz, -10).fill(samples);
  return samples;
}

function chord(ms: number): Int16Array {
  const other = tone(330, ms);
  return tone(523, ms).map((sample, index) => sample + (other[index] ?? 0) / 2);
}

const joined = (...parts: Int16Array[]): Int16Array => Int16Array.of(...parts.flatMap((part) => [...part]));

/** All of it has arrived when it is asked. */
class Ear {
  packets: unknown[] = [];
  readonly #samples: Int16Array;

  constructor(samples: Int16Array) {
    this.#samples = samples;
  }

  arrive(ms: number): void {
    for (let at = 0; at < ms; at += 20) this.packets.push({});
  }

  audio({ from, to = this.packets.length }: { from: number; to?: number | undefined }): Int16Array {
    return this.#samples.subarray(from * 160, to * 160);
  }
}

test('voices, music and long silence are told in order, each once', () => {
  const heard = heardIn(
    joined(
      tone(610, 1_000),
      new Int16Array(8_000),
      tone(610, 500),
      chord(2_050),
      new Int16Array(32_000),
      tone(440, 700),
    ),
    voices,
  );
  expect(heard.map(({ name }) => name)).toEqual(['the agent', 'music', 'silence', 'the person']);
});

test('a voice that is missing is missed', () => {
  expect(heardIn(joined(tone(610, 1_000), tone(440, 200)), voices).map(({ name }) => name)).toEqual(['the agent']);
});

test('a table says what is new with each moment, also when the sound comes late or goes on for some frames', () => {
  const ear = new Ear(joined(tone(610, 1_000), chord(1_000), tone(440, 1_000)));
  const table = new HearingTable([{ name: 'the caller', ear, voices }]);
  table.moment('the call is up');
  ear.arrive(940);
  table.moment('sales is called');
  ear.arrive(1_000);
  table.moment('sales: joined');
  ear.arrive(1_060);
  table.moment('the call ends');
  expect(table.render().split('\n')).toEqual([
    '| moment | the caller hears |',
    '| --- | --- |',
    '| the call is up | the agent |',
    '| sales is called | music |',
    '| sales: joined | the person |',
    '| the call ends |  |',
  ]);
});
