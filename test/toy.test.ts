import { testNetwork } from "./conformance.ts";
import { toyHarness } from "./fakes/toy-network-scene.ts";

testNetwork(toyHarness);
