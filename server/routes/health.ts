/** For operators: is the process alive, does it take requests. */
import { Router } from "express";

export interface HealthState {
  ready: boolean;
}

export function healthRoutes(state: HealthState): Router {
  const router = Router();
  router.get("/healthz", (_request, response) => {
    response.setHeader("Cache-Control", "no-store").json({ status: "ok" });
  });
  // 503 while it shuts down, so that a load balancer sends nothing new here.
  router.get("/readyz", (_request, response) => {
    response.setHeader("Cache-Control", "no-store");
    response.status(state.ready ? 200 : 503).json({ status: state.ready ? "ready" : "closing" });
  });
  return router;
}
