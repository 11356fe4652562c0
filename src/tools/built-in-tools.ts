import type { BuiltIn } from './built-in';
import { collectDigits } from './collect-digits';
import { handOff } from './hand-off';
import { hangUp } from './hang-up';
import { remember } from './remember';
import { sendDigits } from './send-digits';
import { setLanguage } from './set-language';
import { takeMessage } from './take-message';
import { transferCall } from './transfer-call';

/** The tools that every plan may name without defining them. */
export const builtIns = {
  collect_digits: collectDigits,
  hand_off: handOff,
  hang_up: hangUp,
  remember,
  send_digits: sendDigits,
  set_language: setLanguage,
  take_message: takeMessage,
  transfer_call: transferCall,
} satisfies Record<string, BuiltIn>;
export type BuiltInTool = keyof typeof builtIns;

export const builtInTools = Object.keys(builtIns) as [BuiltInTool, ...BuiltInTool[]];
