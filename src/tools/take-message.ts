import type { BuiltIn } from './built-in';
import { cleaned, oneLine } from './outside-text';
import { done, failed } from './tool-run';

const messageCharactersMax = 2_000;
const callBackCharactersMax = 100;

/** Writes down a message, with the caller's number and the time. */
export const takeMessage: BuiltIn = {
  description:
    'Leave a message for the people of this office: what the caller wants, in full sentences. The number that they ' +
    'call from and the time are added. Read the message back to the caller first.',
  parameters: {
    message: {
      type: 'string',
      description: 'The message, with names and numbers as the caller gave them.',
      required: true,
    },
    call_back: {
      type: 'string',
      description: 'Another number or address at which the caller wants to be reached.',
      required: false,
    },
  },
  async run({ message, call_back: callBack }, { call, messages }) {
    const text = cleaned(String(message), messageCharactersMax);
    if (text === '') return failed('bad-arguments', 'The message is empty.');
    const kept = await messages.add({
      callId: call.callId,
      callerNumber: call.callerNumber,
      callerName: oneLine(call.callerName, 200),
      calledNumber: call.calledNumber,
      agent: call.agent,
      text,
      callBack: typeof callBack === 'string' ? oneLine(callBack, callBackCharactersMax) : undefined,
    });
    switch (kept) {
      case 'kept':
        return done('{"message_taken":true}');
      case 'full':
        return failed('full', 'No more messages can be taken. Tell the caller, and that they may call again.');
      case 'failed':
        return failed('service-failed', 'The message could not be written down. Tell the caller so.');
    }
  },
};
