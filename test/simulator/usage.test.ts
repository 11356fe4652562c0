import { prompt, SessionHarness } from './session-harness';

test('the caller costs ten tokens a second and the model twenty, text about one in four characters', () => {
  const harness = new SessionHarness();
  harness.update({ instructions: 'i'.repeat(400) });
  harness.turnDetection(null);
  harness.append(Buffer.alloc(48 * 5_850));
  harness.send({ type: 'input_audio_buffer.commit' });
  const usage = answer(harness);
  const greetingMs = prompt('receptionist-greeting').samples.length / 24;
  expect(usage.input_token_details).toMatchObject({ audio_tokens: 58, image_tokens: 0 });
  expect(usage.input_token_details.text_tokens).toBeGreaterThanOrEqual(100);
  expect(usage.input_token_details.text_tokens).toBeLessThan(110);
  expect(usage.output_token_details.audio_tokens).toBe(Math.ceil(greetingMs / 50));
  expect(usage.output_token_details.text_tokens).toBe(Math.ceil(55 / 4));
});

test('the details add up to the totals', () => {
  const harness = new SessionHarness();
  for (let turn = 0; turn < 3; turn += 1) {
    const usage = answer(harness);
    const { text_tokens: text, audio_tokens: audio } = usage.input_token_details;
    expect(usage.input_tokens).toBe(text + audio);
    expect(usage.output_tokens).toBe(usage.output_token_details.text_tokens + usage.output_token_details.audio_tokens);
    expect(usage.total_tokens).toBe(usage.input_tokens + usage.output_tokens);
    const { cached_tokens: cached, cached_tokens_details: split } = usage.input_token_details;
    expect(split.text_tokens + split.audio_tokens + split.image_tokens).toBe(cached);
    expect(split.text_tokens).toBeLessThanOrEqual(text);
    expect(split.audio_tokens).toBeLessThanOrEqual(audio);
  }
});

test('each response reads what went before, mostly from a cache in blocks of 64', () => {
  const harness = new SessionHarness();
  const first = answer(harness);
  const second = answer(harness);
  const third = answer(harness);
  expect(first.input_token_details.cached_tokens).toBe(0);
  expect(second.input_tokens).toBeGreaterThanOrEqual(first.input_tokens + first.output_tokens);
  expect(third.input_token_details.cached_tokens % 64).toBe(0);
  expect(third.input_token_details.cached_tokens).toBeGreaterThan(0);
  expect(third.input_token_details.cached_tokens).toBeLessThanOrEqual(second.input_tokens);
});

test('changed instructions empty the cache', () => {
  const harness = new SessionHarness();
  answer(harness);
  answer(harness);
  harness.update({ instructions: 'Something else entirely.' });
  expect(answer(harness).input_token_details.cached_tokens).toBe(0);
});

test('a truncated item costs what is left of it', () => {
  const whole = new SessionHarness();
  answer(whole);
  const cut = new SessionHarness();
  answer(cut);
  const itemId = cut.last('response.output_item.done').item.id;
  cut.send({ type: 'conversation.item.truncate', item_id: itemId, content_index: 0, audio_end_ms: 500 });
  expect(answer(whole).input_token_details.audio_tokens).toBeGreaterThan(70);
  expect(answer(cut).input_token_details.audio_tokens).toBe(10);
});

test('a cancelled response is billed for what it made', () => {
  const harness = new SessionHarness();
  harness.send({ type: 'response.create' });
  harness.clock.advance(250);
  harness.send({ type: 'response.cancel' });
  const { response } = harness.only('response.done');
  const madeMs = harness.audioOf(response.id).length / 48;
  expect(madeMs).toBeGreaterThan(0);
  expect(response.usage!.output_token_details.audio_tokens).toBe(Math.ceil(madeMs / 50));
});

function answer(harness: SessionHarness) {
  harness.send({ type: 'response.create' });
  harness.clock.advance(20_000);
  const { usage } = harness.last('response.done').response;
  if (usage === null) throw new Error('no usage');
  return usage;
}
