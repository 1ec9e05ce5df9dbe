export { bindSetting } from './quadlet/load.ts';
