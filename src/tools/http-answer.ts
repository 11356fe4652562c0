import type { OutgoingAnswer } from './outgoing-http';
import { fencedOutside } from './outside-text';
import type { ToolResult } from './tool-run';
import { done, failed } from './tool-run';

/** A service says in a few words what is wrong with a request; a page of HTML says nothing to a model. */
const refusalCharactersMax = 1_000;

/** What a model is told of an answer, well or not. */
export function answerText(answer: OutgoingAnswer): ToolResult {
  const { status } = answer;
  if (status >= 500) return failed('service-failed', `The service failed with status ${status}.`);
  if (status >= 300 && status < 400) {
    return failed('unusable-answer', 'The service wants to be asked somewhere else, which is not allowed.');
  }
  const text = textOf(answer);
  if (status >= 400) return refusal(status, text);
  if (answer.body.length === 0) return done('{"done":true}');
  if (text === undefined) return failed('unusable-answer', 'The service answered in a form that cannot be read.');
  return done(fencedOutside(text));
}

/** The service understood and said no: perhaps there is no such order. The model should know why. */
function refusal(status: number, text: string | undefined): ToolResult {
  const sentence = `The service refused the request with status ${status}.`;
  if (text === undefined || text.trim() === '') return failed('service-refused', sentence);
  return { kind: 'failed', why: 'service-refused', output: `${sentence} ${fencedOutside(text, refusalCharactersMax)}` };
}

/** JSON without its spaces, or plain text; undefined for anything else. */
function textOf({ body, header }: OutgoingAnswer): string | undefined {
  const [type = '', ...parameters] = (header('content-type') ?? '').toLowerCase().split(';');
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='))?.split('=')[1];
  const encoding = (header('content-encoding') ?? 'identity').trim();
  if (encoding !== 'identity' || !isReadable(charset)) return undefined;
  const isJson = /^application\/(?:[a-z0-9.+-]+\+)?json$/.test(type.trim());
  if (!isJson && !/^text\/(?!html)/.test(type.trim())) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    return isJson && text.trim() !== '' ? JSON.stringify(JSON.parse(text)) : text;
  } catch {
    return undefined;
  }
}

function isReadable(charset: string | undefined): boolean {
  return charset === undefined || /^"?(?:utf-8|us-ascii)"?$/.test(charset.trim());
}
