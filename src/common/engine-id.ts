export type EngineId = 'podman' | 'store';
