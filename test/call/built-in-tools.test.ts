import { VirtualCall } from '../support/virtual-call';
import { callsFunction, doneResponse, modelSays, part, pcm, startResponse } from './model-lines';

const outputs = (call: VirtualCall): unknown[] =>
  call
    .sent('conversation.item.create')
    .map(({ event }) => JSON.parse((event.item as { output: string }).output) as unknown);

async function asked(name: string, given: object, options: ConstructorParameters<typeof VirtualCall>[0] = {}) {
  const call = await new VirtualCall({
    tools: ['hang_up', 'remember', 'set_language', 'take_message'],
    ...options,
  }).answered();
  startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
  callsFunction(call, { responseId: 'resp_1', name, argumentsText: JSON.stringify(given) });
  doneResponse(call, { responseId: 'resp_1' });
  await call.run(20);
  return call;
}

async function ended(call: VirtualCall) {
  call.caller.bye();
  await call.run(30_000);
  expect({ calls: call.calls.active, timers: call.clock.pendingTimers }).toEqual({ calls: 0, timers: 0 });
  return call.last('ended')?.snapshot;
}

describe('remember', () => {
  test('keeps a note on the record, and lets a silent model speak on', async () => {
    const call = await asked('remember', { note: ' The caller\nis called   Ada. ' });
    expect(outputs(call)).toEqual([{ noted: true }]);
    expect(call.sent('response.create')).toHaveLength(1);
    expect((await ended(call))?.notes).toEqual(['The caller is called Ada.']);
  });

  test('needs no answer from a model that spoke as it took the note', async () => {
    const call = await new VirtualCall({ tools: ['remember'] }).answered();
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    call.say({ type: 'response.output_audio.delta', ...part('item_1', 'resp_1'), delta: pcm(200) });
    callsFunction(call, { responseId: 'resp_1', name: 'remember', argumentsText: '{"note":"Ada"}' });
    doneResponse(call, { responseId: 'resp_1' });
    await call.run(500);
    expect(outputs(call)).toEqual([{ noted: true }]);
    expect(call.sent('response.create')).toEqual([]);
    await ended(call);
  });

  test('takes fifty notes and no more', async () => {
    const call = await new VirtualCall({ tools: ['remember'] }).answered();
    for (let i = 0; i < 51; i += 1) {
      modelSays(call, { itemId: `item_${i}`, responseId: `resp_${i}`, ms: 20 });
      callsFunction(call, {
        responseId: `resp_${i}`,
        callId: `call_${i}`,
        name: 'remember',
        argumentsText: `{"note":"${i}"}`,
      });
    }
    await call.run(100);
    expect(outputs(call).at(-1)).toEqual({ error: expect.stringContaining('No more notes') as string });
    expect((await ended(call))?.notes).toHaveLength(50);
  });
});

describe('take_message', () => {
  test('hands over what the caller said, with who they are', async () => {
    const call = await asked('take_message', { message: 'Please call\u202e back.\u0007', call_back: '+33 1 23' });
    expect(outputs(call)).toEqual([{ message_taken: true }]);
    const { callId } = call.events[0]!.snapshot;
    expect(call.messages).toEqual([
      expect.objectContaining({ callId, text: 'Please call back.', callBack: '+33 1 23', agent: 'reception' }),
    ]);
    expect(JSON.stringify(call.log.fields)).not.toContain('Please call');
    await ended(call);
  });

  test('refuses an empty message, and a missing one', async () => {
    expect(outputs(await asked('take_message', { message: ' \n' }))).toEqual([{ error: 'The message is empty.' }]);
    expect(outputs(await asked('take_message', {}))).toEqual([{ error: 'The argument message is missing.' }]);
  });
});

describe('set_language', () => {
  const transcribed = { instructions: 'Be kind.', transcription: { model: 'gpt-4o-transcribe' } };
  const update = (call: VirtualCall) => call.sent('session.update').at(-1)?.event;

  test('changes instructions and transcription, and nothing else of the session', async () => {
    const call = await asked('set_language', { language: 'FR' }, { agent: transcribed });
    expect(update(call)?.session).toEqual({
      type: 'realtime',
      instructions: 'Be kind.\n\nSpeak French.',
      audio: { input: { transcription: { model: 'gpt-4o-transcribe', language: 'fr' } } },
    });
    await call.run(100);
    expect(outputs(call)).toEqual([{ language: 'fr', next: 'Go on in this language.' }]);
    await ended(call);
  });

  test('the model goes on in the language also where the server refuses the update', async () => {
    const call = await new VirtualCall({ tools: ['set_language'], agent: transcribed, modelSilent: false }).answered();
    const receive = call.say.bind(call);
    call.say = (event) => {
      if (event.type !== 'session.updated' && event.type !== 'session.created') receive(event);
    };
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    callsFunction(call, { responseId: 'resp_1', name: 'set_language', argumentsText: '{"language":"fr"}' });
    doneResponse(call, { responseId: 'resp_1' });
    await call.run(20);
    expect(outputs(call)).toEqual([]);
    const error = { type: 'invalid_request_error', code: 'invalid_value', message: 'no', param: null };
    receive({ type: 'error', error: { ...error, event_id: update(call)?.event_id } });
    await call.run(20);
    expect(outputs(call)).toMatchObject([{ language: 'fr' }]);
    expect(call.kinds()).toContain('model-error');
    await ended(call);
  });

  test('is told the model alone where a hosted prompt would be replaced', async () => {
    const agent = { instructions: undefined, prompt: { id: 'pmpt_1' } };
    const call = await asked('set_language', { language: 'de' }, { agent });
    expect(call.sent('session.update')).toHaveLength(1);
    expect(outputs(call)).toMatchObject([{ language: 'de' }]);
    await ended(call);
  });

  test('refuses what is no language', async () => {
    const call = await asked('set_language', { language: 'klingon' });
    expect(outputs(call)).toEqual([{ error: expect.stringContaining('ISO 639-1') as string }]);
    await ended(call);
  });
});
