import type { FunctionResult } from '../../src/realtime/function-calls';
import { FunctionCalls } from '../../src/realtime/function-calls';

function functionCalls() {
  const wire: string[] = [];
  const model = { busy: false, spoken: new Set<string>() };
  const calls = new FunctionCalls({
    isIdle: () => !model.busy,
    hasSpoken: (responseId) => model.spoken.has(responseId),
    sendOutput: ({ callId, output }) => wire.push(`${callId}=${output}`),
    requestResponse: () => wire.push('respond'),
    resultsSeen: () => wire.push('seen'),
  });
  return {
    calls,
    wire,
    model,
    announce: (callId: string, responseId = 'resp_1', responseOver = false) =>
      calls.announce({ callId, responseId, responseOver }),
    submit: (callId: string, { output = 'ok', respond = true }: Partial<FunctionResult> = {}) =>
      calls.submit([{ callId, output, respond }])[0],
  };
}

test('a call is new once, however often the server announces it', () => {
  const { announce } = functionCalls();
  expect([announce('call_1'), announce('call_1'), announce('call_2')]).toEqual([true, false, true]);
});

test('a result is held until the response that made the call is over', () => {
  const { calls, announce, submit, wire } = functionCalls();
  announce('call_1');
  expect(submit('call_1')).toBe('held');
  expect(wire).toEqual([]);
  calls.responseOver('resp_1');
  expect(wire).toEqual(['call_1=ok', 'respond']);
});

test('a result that takes longer than the response goes out at once', () => {
  const { calls, announce, submit, wire } = functionCalls();
  announce('call_1');
  calls.responseOver('resp_1');
  expect(wire).toEqual([]);
  expect(submit('call_1')).toBe('sent');
  expect(wire).toEqual(['call_1=ok', 'respond']);
});

test('one response is asked for when all calls of a response have results', () => {
  const { calls, announce, submit, wire } = functionCalls();
  announce('call_1');
  announce('call_2');
  announce('call_3');
  submit('call_2');
  calls.responseOver('resp_1');
  submit('call_1');
  expect(wire).toEqual(['call_2=ok', 'call_1=ok']);
  submit('call_3');
  expect(wire).toEqual(['call_2=ok', 'call_1=ok', 'call_3=ok', 'respond']);
});

test('the calls of another response are another batch', () => {
  const { calls, announce, submit, wire } = functionCalls();
  announce('call_1', 'resp_1');
  calls.responseOver('resp_1');
  announce('call_2', 'resp_2');
  submit('call_1');
  expect(wire).toEqual(['call_1=ok', 'respond']);
  submit('call_2');
  calls.responseOver('resp_2');
  expect(wire).toEqual(['call_1=ok', 'respond', 'call_2=ok', 'respond']);
});

test('a second result for one call is not sent', () => {
  const { calls, announce, submit, wire } = functionCalls();
  announce('call_1');
  submit('call_1');
  expect(submit('call_1', { output: 'again' })).toBe('duplicate');
  calls.responseOver('resp_1');
  expect(submit('call_1', { output: 'again' })).toBe('duplicate');
  expect(wire).toEqual(['call_1=ok', 'respond']);
});

test('a result for a call that nobody made is not sent', () => {
  const { submit, wire } = functionCalls();
  expect(submit('call_9')).toBe('unknown');
  expect(wire).toEqual([]);
});

test('results that want no answer make the model say nothing', () => {
  const { calls, announce, submit, wire } = functionCalls();
  announce('call_1');
  submit('call_1', { respond: false });
  calls.responseOver('resp_1');
  expect(wire).toEqual(['call_1=ok']);
});

test('one result of a batch that wants an answer is enough', () => {
  const { calls, announce, submit, wire } = functionCalls();
  announce('call_1');
  announce('call_2');
  submit('call_1', { respond: true });
  submit('call_2', { respond: false });
  calls.responseOver('resp_1');
  expect(wire).toEqual(['call_1=ok', 'call_2=ok', 'respond']);
});

test('the end of a response without calls, or told twice, does nothing', () => {
  const { calls, announce, submit, wire } = functionCalls();
  calls.responseOver('resp_1');
  announce('call_1', 'resp_2');
  submit('call_1');
  calls.responseOver('resp_2');
  calls.responseOver('resp_2');
  expect(wire).toEqual(['call_1=ok', 'respond']);
});

test('a call that is announced after the end of its response is not held', () => {
  const { announce, submit, wire } = functionCalls();
  announce('call_1', 'resp_1', true);
  expect(submit('call_1')).toBe('sent');
  expect(wire).toEqual(['call_1=ok', 'respond']);
});

test('the oldest call is forgotten when there are too many, and its batch does not wait for it', () => {
  const { calls, announce, submit, wire } = functionCalls();
  announce('call_old', 'resp_old');
  announce('call_slow', 'resp_old');
  calls.responseOver('resp_old');
  for (let count = 0; count < 511; count += 1) announce(`call_${count}`, 'resp_new');
  expect(submit('call_old')).toBe('unknown');
  submit('call_slow');
  expect(wire).toEqual(['call_slow=ok', 'respond']);
});

test('results that come while another response is active go out after it, in the order of their calls', () => {
  const { calls, announce, submit, wire, model } = functionCalls();
  announce('call_1');
  announce('call_2');
  calls.responseOver('resp_1');
  model.busy = true;
  expect([submit('call_2'), submit('call_1')]).toEqual(['held', 'held']);
  expect(wire).toEqual([]);
  model.busy = false;
  calls.flush();
  expect(wire).toEqual(['call_1=ok', 'call_2=ok', 'respond']);
});

test.each([
  { heard: false, wire: ['call_1=ok', 'respond'] },
  { heard: true, wire: ['call_1=ok'] },
])('a result that needs no words asks for some only if none came with its call (heard: $heard)', ({ heard, wire }) => {
  const { calls, announce, submit, wire: sent, model } = functionCalls();
  announce('call_1');
  submit('call_1', { respond: 'unless-spoken' });
  if (heard) model.spoken.add('resp_1');
  calls.responseOver('resp_1');
  expect(sent).toEqual(wire);
});

test('results are seen when the server has added every one of them', () => {
  const { calls, announce, submit, wire } = functionCalls();
  announce('call_1', 'resp_1', true);
  announce('call_2', 'resp_1', true);
  submit('call_1');
  submit('call_2');
  calls.seen('call_2');
  calls.seen('call_9');
  expect(wire).not.toContain('seen');
  calls.seen('call_1');
  calls.seen('call_1');
  expect(wire.filter((each) => each === 'seen')).toHaveLength(1);
});

test('results of two responses that are there at the same moment are answered by one response', () => {
  const { calls, announce, wire } = functionCalls();
  announce('call_1', 'resp_1', true);
  announce('call_2', 'resp_2', true);
  const results = ['call_2', 'call_1'].map((callId) => ({ callId, output: 'ok', respond: true }));
  expect(calls.submit(results)).toEqual(['sent', 'sent']);
  expect(wire).toEqual(['call_1=ok', 'call_2=ok', 'respond']);
});
