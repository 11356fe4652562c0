import type { RouteAction } from './plan';

/** Where a call ends up by a route, for a person; equal texts mean the same. */
export function outcomeText(action: RouteAction): string {
  switch (action.kind) {
    case 'answer':
      return `agent ${action.agent.name}`;
    case 'bridge':
      return `bridge to ${action.destination}`;
    case 'reject':
      return `reject ${action.status}`;
    case 'redirect':
      return `redirect to ${action.contact}`;
  }
}

/** What a caller gets for whom no route is. */
export const noRouteText = 'no route (404)';
