import { DialogFuzz } from './dialog-fuzz';

/** `node scripts/fuzz-sip.mjs` asks for more. */
const rounds = Number(process.env.RINGBRIDGE_FUZZ_DIALOG_ROUNDS ?? 40);
const firstSeed = Number(process.env.RINGBRIDGE_FUZZ_SEED ?? 1);
const steps = 60;

jest.setTimeout(3_600_000);

test.each(['udp', 'tcp'] as const)(
  'calls that cross each other over %s end well and leave nothing behind',
  async (transport) => {
    let calls = 0;
    for (let round = 0; round < rounds; round += 1) {
      const fuzz = new DialogFuzz(firstSeed * 1_000 + round, transport);

      expect(await fuzz.run(steps)).toEqual([]);

      calls += fuzz.total('dialogsCreated');
    }
    expect(calls).toBeGreaterThan(rounds * 5);
  },
);
