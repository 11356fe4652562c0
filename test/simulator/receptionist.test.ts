import { prompt, SessionHarness } from './session-harness';

const answers = [/^We are open/, /^You will find us/, /^Why is it so hard/, /^I am sorry/];

test('greets first, then gives its answers in turn and begins again', () => {
  const harness = new SessionHarness();
  for (let turn = 0; turn < 6; turn += 1) respond(harness);
  expect(said(harness)).toEqual([
    expect.stringMatching(/^Hello/),
    ...answers.map((answer) => expect.stringMatching(answer) as string),
    expect.stringMatching(answers[0]!),
  ]);
});

test.each([
  ['instructions', { instructions: 'Greet the caller again.' }],
  ['metadata', { metadata: { purpose: 'greeting' } }],
])('greets again when %s ask for it', (_, response) => {
  const harness = new SessionHarness();
  respond(harness);
  respond(harness, response);
  respond(harness);
  expect(said(harness).map((words) => words.slice(0, 5))).toEqual(['Hello', 'Hello', 'We ar']);
});

test.each([
  ['instructions', { instructions: 'Say goodbye to the caller.' }],
  ['metadata', { metadata: { purpose: 'farewell' } }],
])('says goodbye when %s ask for it', (_, response) => {
  const harness = new SessionHarness();
  respond(harness, response);
  expect(said(harness)).toEqual(['Thank you for calling. Goodbye.']);
});

test('says goodbye when a system message just before asks for it', () => {
  const harness = new SessionHarness();
  const content = [{ type: 'input_text', text: 'The call is over: say goodbye.' }];
  harness.send({ type: 'conversation.item.create', item: { type: 'message', role: 'system', content } });
  respond(harness);
  expect(said(harness)).toEqual(['Thank you for calling. Goodbye.']);
});

test('does not take the instructions of the session for a wish', () => {
  const harness = new SessionHarness();
  harness.update({ instructions: 'Say goodbye before you hang up.' });
  respond(harness);
  expect(said(harness)).toEqual([expect.stringMatching(/^Hello/)]);
});

test('asks whether somebody is there when nobody speaks', () => {
  const harness = new SessionHarness();
  harness.turnDetection({ type: 'server_vad', idle_timeout_ms: 5_000 });
  respond(harness);
  harness.silence(12_000);
  expect(said(harness)[1]).toBe('Are you still there?');
});

test('a whole conversation: question, answer, interruption, answer', () => {
  const harness = new SessionHarness();
  harness.turnDetection({ type: 'server_vad', silence_duration_ms: 700 });
  respond(harness);
  harness.say(prompt('caller-question'));
  harness.silence(1_100);
  harness.say(prompt('caller-interruption'));
  harness.silence(4_000);
  expect(harness.of('response.done').map(({ response }) => response.status)).toEqual([
    'completed',
    'cancelled',
    'completed',
  ]);
  expect(said(harness)[2]).toMatch(answers[1]!);
});

test('an answer that was interrupted before its first sound comes next time', () => {
  const harness = new SessionHarness();
  harness.send({ type: 'response.create' });
  harness.clock.advance(50);
  harness.send({ type: 'response.cancel' });
  respond(harness);
  expect(said(harness)).toEqual([expect.stringMatching(/^Hello/)]);
});

function respond(harness: SessionHarness, response?: Record<string, unknown>): void {
  harness.send({ type: 'response.create', ...(response === undefined ? {} : { response }) });
  harness.clock.advance(20_000);
}

function said(harness: SessionHarness): string[] {
  return harness.of('response.output_audio_transcript.done').map(({ transcript }) => transcript);
}
