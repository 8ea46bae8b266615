export { ProtobufDecoder, protobufType } from './decoder.ts';
