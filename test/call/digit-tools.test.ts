import { levelDbfs } from '../../src/audio/level';
import { plainBuiltIn } from '../../src/tools/agent-tool';
import { defaultDigitRules } from '../../src/tools/digit-rules';
import { VirtualCall } from '../support/virtual-call';
import { callsFunction, doneResponse, startResponse } from './model-lines';

const pin = {
  ...plainBuiltIn('collect_digits'),
  name: 'pin',
  digits: { ...defaultDigitRules, keysMax: 4, secure: true },
};

async function up(options: ConstructorParameters<typeof VirtualCall>[0] = {}) {
  const call = await new VirtualCall({ tools: ['collect_digits', 'send_digits', 'hang_up'], ...options }).answered();
  const asks = async (name: string, given: object = {}): Promise<void> => {
    startResponse(call, { itemId: `item_${name}`, responseId: `resp_${name}` });
    callsFunction(call, {
      responseId: `resp_${name}`,
      callId: `call_${name}`,
      name,
      argumentsText: JSON.stringify(given),
    });
    doneResponse(call, { responseId: `resp_${name}` });
    await call.run(20);
  };
  const keys = async (text: string): Promise<void> => {
    for (const key of text.split('')) {
      call.phone.press(key as '1');
      await call.run(300);
    }
  };
  return { call, asks, keys };
}

const items = (call: VirtualCall): string[] =>
  call.sent('conversation.item.create').map(({ event }) => JSON.stringify(event.item));

async function ended(call: VirtualCall): Promise<void> {
  call.caller.bye();
  await call.run(30_000);
  expect({ calls: call.calls.active, timers: call.clock.pendingTimers }).toEqual({ calls: 0, timers: 0 });
}

test('keys that no tool waits for are told to the model, which is asked to answer', async () => {
  const { call, keys } = await up();
  await keys('12');
  expect(items(call)).toEqual([]);
  await call.run(3_000);
  expect(items(call)).toEqual([expect.stringContaining('pressed on the telephone: 12')]);
  expect(call.sent('response.create')).toHaveLength(1);
  await ended(call);
});

test('a key that comes by RTP and by INFO is one key', async () => {
  const { call } = await up();
  call.phone.press('1');
  call.caller.pressByInfo('1');
  await call.run(3_100);
  expect(items(call)).toEqual([expect.stringContaining('telephone: 1)')]);
  await ended(call);
});

test('collect_digits gives the model the keys, without the one that ends them', async () => {
  const { call, asks, keys } = await up();
  await asks('collect_digits');
  await keys('4711#');
  expect(items(call)).toEqual([expect.stringContaining('{\\"keys\\":\\"4711\\",\\"complete\\":true}')]);
  expect(call.kinds().filter((kind) => kind === 'digit')).toHaveLength(5);
  await ended(call);
});

test('of secret keys neither model nor observers learn anything, and the line is mute for the model', async () => {
  const { call, asks, keys } = await up({ tools: [pin] });
  const before = call.sent('input_audio_buffer.append').length;
  await asks('pin');
  call.phone.say(new Int16Array(8_000).fill(9_000));
  await keys('8642');
  await call.run(300);
  expect(items(call)).toEqual([expect.stringContaining('{\\"entered\\":true,\\"keys\\":\\"secret\\"}')]);
  expect(call.kinds()).not.toContain('digit');
  const heard = call.sent('input_audio_buffer.append').slice(before + 1);
  expect(heard.length).toBeGreaterThan(50);
  const levels = heard.map(({ event }) => {
    const bytes = Buffer.from(event.audio as string, 'base64');
    return levelDbfs(new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)));
  });
  expect(Math.max(...levels)).toBeLessThan(-90);
  await ended(call);
  const told = JSON.stringify([call.events, call.received, call.log.fields, call.log.lines]);
  expect(told).not.toContain('8642');
});

test('a caller who hangs up while keys are awaited leaves nothing behind', async () => {
  const { call, asks, keys } = await up({ tools: [pin] });
  await asks('pin');
  await keys('86');
  await ended(call);
  expect(call.sentAfterEnd).toEqual([]);
});

test('send_digits presses the keys in order, and refuses what is none', async () => {
  const { call, asks } = await up();
  await asks('send_digits', { keys: '12#' });
  expect(call.phone.keys.map(({ digit }) => digit)).toEqual(['1', '2', '#']);
  const other = await up();
  await other.asks('send_digits', { keys: '+1 555' });
  expect(other.call.phone.keys).toEqual([]);
  await ended(call);
  await ended(other.call);
});
