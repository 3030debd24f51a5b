/** For operators: is the process alive, does it take requests. */
import { Router } from "express";

export interface HealthState {
  /** False while it shuts down, so that a load balancer sends nothing new here. */
  ready: boolean;
  /** Whether runs can be kept. */
  healthy: () => boolean;
}

export function healthRoutes(state: HealthState): Router {
  const router = Router();
  router.get("/healthz", (_request, response) => {
    response.setHeader("Cache-Control", "no-store").json({ status: "ok" });
  });
  router.get("/readyz", (_request, response) => {
    const status = !state.ready ? "closing" : state.healthy() ? "ready" : "store unavailable";
    response.setHeader("Cache-Control", "no-store");
    response.status(status === "ready" ? 200 : 503).json({ status });
  });
  return router;
}
