import type { CallerTurns } from './caller-turns';
import type { Responses } from './responses';
import type { ServerError, ServerEvent, SessionFacts } from './server-events';
import type { RealtimeSessionListener } from './session-listener';
import type { SessionSetup } from './session-setup';

/** Who in a session takes what the server says. */
export interface SessionParts {
  readonly setup: SessionSetup;
  readonly responses: Responses;
  readonly callerTurns: CallerTurns;
  readonly listener: RealtimeSessionListener;
  onConfigured(session: SessionFacts): void;
  onError(error: ServerError): void;
  onUnknown(name: string): void;
}

/** Takes one event of the server to the part of the session that it is about. */
export function takeEvent(event: ServerEvent, parts: SessionParts): void {
  const { setup, responses, callerTurns, listener } = parts;
  switch (event.type) {
    case 'session.created':
      setup.learn(event.session);
      return;
    case 'session.updated':
      parts.onConfigured(event.session);
      return;
    case 'error':
      parts.onError(event.error);
      return;
    case 'input_audio_buffer.speech_started':
      // First, so that a listener who cancels finds nothing to cancel.
      responses.callerSpeaks({ interrupts: setup.interruptResponse });
      callerTurns.speechStarted(event);
      return;
    case 'input_audio_buffer.speech_stopped':
      responses.callerStopped({ answered: setup.createResponse });
      callerTurns.speechStopped(event);
      return;
    case 'input_audio_buffer.cleared':
      responses.callerStopped({ answered: false });
      listener.onInputCleared();
      return;
    case 'input_audio_buffer.timeout_triggered':
      callerTurns.idleTimeout(event.itemId);
      return;
    case 'input_audio_buffer.committed':
      callerTurns.committed(event.itemId);
      return;
    case 'conversation.item.input_audio_transcription.completed':
      callerTurns.transcribed(event);
      return;
    case 'rate_limits.updated':
      listener.onRateLimits(event.limits);
      return;
    case 'response.created':
      responses.created(event.response);
      return;
    case 'response.output_audio.delta':
      setup.hasSpoken = true;
      responses.audioDelta(event);
      return;
    case 'response.output_audio.done':
      responses.audioDone(event);
      return;
    case 'response.output_audio_transcript.done':
      responses.transcriptDone(event);
      return;
    case 'response.output_text.done':
      responses.textDone(event.responseId);
      return;
    case 'response.output_item.done':
      if (event.call !== undefined) responses.callDone({ responseId: event.responseId, call: event.call });
      if (event.serverCall !== undefined) listener.onServerToolCall(event.serverCall);
      return;
    case 'conversation.item.added':
      if (event.outputOf !== undefined) responses.resultSeen(event.outputOf);
      return;
    case 'mcp_list_tools.failed':
      listener.onError({ code: 'mcp_list_tools_failed', message: 'an MCP server does not list its tools' });
      return;
    case 'response.done':
      responses.done(event.response);
      return;
    case 'unneeded':
      return;
    case 'unknown':
      parts.onUnknown(event.name);
  }
}
