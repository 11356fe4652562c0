import { SipFuzz } from './sip-fuzz';

/** `node scripts/fuzz-sip.mjs` asks for more, and lets us collect garbage. */
const messages = Number(process.env.RINGBRIDGE_FUZZ_MESSAGES ?? 20_000);
const seed = Number(process.env.RINGBRIDGE_FUZZ_SEED ?? 4_475);
const growthBytesMax = 5_000_000;

jest.setTimeout(3_600_000);

test(`${messages} mutated messages throw nothing, reach every answer and leave nothing behind`, async () => {
  const fuzz = new SipFuzz(seed);
  await fuzz.run(messages / 4);
  await fuzz.settle();
  const heapBefore = heapBytes();

  await fuzz.run((messages * 3) / 4);

  expect(await fuzz.settle()).toEqual({ dialogs: 0, serverTransactions: 0, clientTransactions: 0, timers: 0 });
  if (global.gc !== undefined) expect(heapBytes() - heapBefore).toBeLessThan(growthBytesMax);
  const { stats } = fuzz;
  const reached = [
    ...[stats.dialogsCreated, stats.garbageDropped, stats.oversizeDropped, stats.badResponsesDropped],
    ...[stats.refusedMalformed, stats.refusedVersion, stats.refusedScheme, stats.refusedExtension],
    ...[stats.refusedContent, stats.refusedUnacceptable, stats.refusedNoTransaction, stats.retransmissionsAbsorbed],
  ];
  expect(reached.every((count) => count > 0)).toBe(true);
});

function heapBytes(): number {
  global.gc?.();
  return process.memoryUsage().heapUsed;
}
