import { readFileSync } from 'node:fs';

import { CostMeter } from '../../src/call/cost-meter';
import { parsePriceTable, type PriceTable } from '../../src/call/price-table';
import type { TokenUsage } from '../../src/realtime/session-listener';
import { VirtualCall, type VirtualCallOptions } from '../support/virtual-call';
import { speakingModel } from './speaking-model';

const table = parsePriceTable(readFileSync('prices.json', 'utf8')) as PriceTable;
const meter = () => new CostMeter({ table });
const api = (name: string) => ({ kind: 'api', name }) as const;

const usage: TokenUsage = {
  inputTokens: 132,
  outputTokens: 188,
  inputTextTokens: 59,
  inputAudioTokens: 73,
  inputImageTokens: 0,
  cachedTokens: 64,
  cachedTextTokens: 0,
  cachedAudioTokens: 64,
  cachedImageTokens: 0,
  outputTextTokens: 41,
  outputAudioTokens: 147,
};

test('a response costs its fresh, cached and written tokens, each kind at its price', () => {
  const cost = meter();
  cost.addResponse(api('gpt-realtime'), usage);
  // 59 x 4 + 9 x 32 + 64 x 0.40 + 41 x 16 + 147 x 64 = 10,613.6 millionths.
  expect(cost.cost).toMatchObject({ usd: 0.010614, modelUsd: 0.010614, unpriced: [] });
});

test('transcription costs by its tokens or by its minutes', () => {
  const cost = meter();
  cost.addTranscription(api('gpt-4o-transcribe'), {
    kind: 'tokens',
    inputTextTokens: 10,
    inputAudioTokens: 990,
    outputTokens: 100,
  });
  cost.addTranscription(api('whisper-1'), { kind: 'duration', seconds: 30 });
  expect(cost.cost).toMatchObject({
    transcriptionUsd: 0.0065,
    transcribedSeconds: 30,
    transcriptionTokens: 1_100,
  });
});

test('a model that the table does not know is named, once, and costs nothing', () => {
  const cost = meter();
  for (let i = 0; i < 3; i += 1) cost.addResponse(api('gpt-of-tomorrow'), usage);
  cost.addTranscription(api('whisper-1'), { kind: 'tokens', inputTextTokens: 1, inputAudioTokens: 1, outputTokens: 1 });
  expect(cost.cost).toMatchObject({ usd: 0, unpriced: ['gpt-of-tomorrow', 'whisper-1'] });
});

test('a simulator costs nothing and lacks no price', () => {
  const cost = meter();
  cost.addResponse({ kind: 'simulator', name: 'simulator:receptionist' }, usage);
  expect(cost.cost).toMatchObject({ usd: 0, unpriced: [] });
});

describe('a call with a limit of cost', () => {
  const options = (model: string, costLimitUsd: number): VirtualCallOptions => ({
    behaviour: speakingModel({ lengthsMs: { greeting: 3_000, answer: 3_000 } }),
    agent: { greeting: 'Hello.', transcription: { model: 'gpt-4o-transcribe' } },
    decision: (answer) => ({ ...answer, costLimitUsd }),
    services: { prices: table, modelFor: () => ({ kind: 'api', name: model }) },
  });

  test('lets what was paid for be heard, says goodbye and ends, on the record', async () => {
    const call = await new VirtualCall(options('gpt-realtime-2', 0.003)).answered();
    await call.run(10_000);
    const ended = call.last('ended');
    expect(ended?.event.reason).toEqual({ kind: 'cost-limit' });
    expect(ended?.snapshot.breaches).toMatchObject([{ guarantee: 'cost', remedy: 'goodbye' }]);
    expect(ended?.snapshot.cost?.usd).toBeGreaterThanOrEqual(0.003);
    const greeting = call.phone.heard.filter(
      ({ samples }) => samples.filter((one) => Math.abs(one - 6_000) < 200).length > 20,
    );
    expect(greeting.length).toBeGreaterThanOrEqual(149);
    expect(call.heardSince((greeting.at(-1)?.atMs ?? 0) + 40)).toBeGreaterThan(5_400);
    expect(call.clock.pendingTimers).toBe(0);
  });

  test('goes on below it', async () => {
    const call = await new VirtualCall(options('gpt-realtime-2', 5)).answered();
    await call.run(10_000);
    expect(call.calls.active).toBe(1);
    call.caller.bye();
    expect(call.last('ended')?.snapshot.cost?.usd).toBeGreaterThan(0.003);
  });

  test('whose model has no price goes on, and that is told on the record and once in the log', async () => {
    const call = await new VirtualCall(options('gpt-of-tomorrow', 0.003)).answered();
    await call.run(10_000);
    call.caller.bye();
    expect(call.last('ended')?.snapshot.cost?.unpriced).toEqual(['gpt-of-tomorrow']);
    expect(call.log.lines.filter((line) => line.includes('no price'))).toHaveLength(1);
  });
});
