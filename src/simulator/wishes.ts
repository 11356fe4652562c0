import type { ResponseRequest } from './behaviour';

const greetingPattern = /\b(greet(?:ing)?|welcome|say hello)\b/i;
const checkInPattern = /\b(still there|check-?in)\b/i;
const farewellPattern = /\b(good\s?-?bye|farewell|say bye)\b/i;

export type Wish = 'greeting' | 'check-in' | 'farewell';

/**
 * What a request asks for in words: in its own instructions, its metadata, or a system message just before it. The
 * session's instructions do not count: they speak of every call.
 */
export function wishOf({ instructions, metadata, lastItem }: ResponseRequest): Wish | undefined {
  const texts = [instructions ?? '', ...Object.values(metadata ?? {}), systemTextOf(lastItem)];
  if (texts.some((text) => farewellPattern.test(text))) return 'farewell';
  if (texts.some((text) => checkInPattern.test(text))) return 'check-in';
  return texts.some((text) => greetingPattern.test(text)) ? 'greeting' : undefined;
}

function systemTextOf(item: ResponseRequest['lastItem']): string {
  if (item?.body.type !== 'message' || item.body.role !== 'system') return '';
  return item.body.content.map((content) => (content.type === 'input_text' ? content.text : '')).join(' ');
}
