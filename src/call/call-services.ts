import type { Agent } from '../dialplan/plan';
import type { RouteDecision } from '../dialplan/route';
import type { MediaLegFactory } from '../media/media-leg';
import type { RealtimeSession } from '../realtime/session';
import type { RealtimeSessionListener } from '../realtime/session-listener';
import type { Clock } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import type { PlaceCall } from '../signalling/callee-leg';
import type { CallerInfo } from '../signalling/caller-leg';
import type { Admission } from './call-limits';
import type { CallObserver } from './call-observer';
import type { DestinationLimits } from './destination-limits';
import type { ModelChoice } from './model-choice';
import type { PriceTable } from './price-table';
import type { Prompts } from './prompts';
import type { CallTools } from './tool-runner';
import type { UnpricedModels } from './unpriced-models';

/** What every call needs from the outside; one object for all calls. */
export interface CallServices {
  clock: Clock;
  logger: Logger;
  media: MediaLegFactory;
  prompts: Prompts;
  prices: PriceTable;
  unpricedModels: UnpricedModels;
  observers: readonly CallObserver[];
  admission: Admission;
  /** Places the calls that callers are joined with. */
  placeCall: PlaceCall;
  destinationLimits: DestinationLimits;
  route(caller: CallerInfo): RouteDecision;
  modelFor(agent: Agent): ModelChoice;
  tools: CallTools;
  random: Random;
  openSession(agent: Agent, listener: RealtimeSessionListener, callId: string): RealtimeSession;
  /** How long the model may take until `session.updated`. */
  modelDeadlineMs: number;
  /** How long before the goodbye of a time limit the caller is warned. */
  timeWarningMs: number;
}
