import type { IncomingMessage } from 'node:http';

import { jsonAnswer, readJsonMap } from './http-answer';
import type { Answer } from './http-answer';
import { refusal } from './request-guard';

export interface ApiCall {
  readonly method: 'GET' | 'POST';
  readonly token: string | undefined;
  readonly answer: (body: Readonly<Record<string, unknown>>) => Answer | Promise<Answer>;
}

/** What all operations of the API have in common: the method, who may ask, and a map as the body. */
export async function answerApiRequest(request: IncomingMessage, { method, token, answer }: ApiCall): Promise<Answer> {
  const isRight = request.method === method || (method === 'GET' && request.method === 'HEAD');
  if (!isRight) return unread(jsonAnswer(405, { error: `only ${method}` }, { Allow: method }));
  const refused = refusal(request, { token, changes: method === 'POST' });
  if (refused !== undefined) return unread(refused);
  const body = await readJsonMap(request);
  return 'answer' in body ? body.answer : answer(body.map);
}

/** The body was not read: what follows on the connection could be taken for a request. */
function unread(answer: Answer): Answer {
  return { ...answer, headers: { ...answer.headers, Connection: 'close' } };
}
