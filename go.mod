module github.com/shakedown-dev/shakedown

go 1.26.0

require (
	github.com/anishathalye/porcupine v1.3.1 // linearizability: models, the last word, its picture of a window
	github.com/chromedp/cdproto v0.159.2 // tests: the report in a browser
	github.com/chromedp/chromedp v0.23.0 // tests: the report in a browser
	github.com/cockroachdb/datadriven v1.0.3 // tests: files of cases that read aloud
	github.com/containerd/errdefs v1.0.0 // docker: telling "not found" from other errors
	github.com/creack/pty v1.1.24 // tests: a terminal to run the command in
	github.com/docker/docker v28.5.2+incompatible // docker: the Engine API
	github.com/google/go-cmp v0.7.0 // tests: differences
	github.com/google/nftables v0.3.0 // agent: rules on the bridge, without the nft command
	github.com/hanwen/go-fuse/v2 v2.12.1 // agent: the disk that loses what was not synced
	github.com/hinshun/vt10x v0.0.0-20220301184237-5011da428d02 // tests: what a terminal shows
	github.com/jackc/pgx/v5 v5.12.0 // client: postgres
	github.com/kevinburke/ssh_config v1.6.0 // ssh: what OpenSSH's configuration says of hosts
	github.com/mdlayher/netlink v1.7.3-0.20250113171957-fbb4dce95f42 // agent: throw-away networks, packet queues
	github.com/redis/go-redis/v9 v9.23.0 // client: redis
	github.com/rogpeppe/go-internal v1.16.0 // tests: the command line as scripts
	github.com/spf13/cobra v1.10.2 // the command line
	github.com/spf13/pflag v1.0.9 // the command line: which flags were given
	github.com/vishvananda/netlink v1.3.1 // agent: queueing disciplines, netem among them
	github.com/vishvananda/netns v0.0.5 // agent: naming a network namespace to that library
	go.etcd.io/bbolt v1.4.3 // tests: a real database on that disk
	go.etcd.io/etcd/api/v3 v3.6.16 // client: what etcd answers
	go.etcd.io/etcd/client/v3 v3.6.16 // client: etcd
	go.opentelemetry.io/collector/pdata v1.62.0 // tests: the reader of OpenTelemetry itself
	go.starlark.net v0.0.0-20260908191801-89a6a09411d5 // the language of users' invariants and models
	go.uber.org/zap v1.27.0 // client: keeping etcd's client quiet
	golang.org/x/crypto v0.58.0 // ssh: logging in at hosts
	golang.org/x/net v0.61.0 // agent: messages of DNS
	golang.org/x/sync v0.24.0 // docker: side by side, with the first error
	golang.org/x/sys v0.49.0 // agent: pidfd, ptrace, namespaces
	golang.org/x/term v0.47.0 // is this a terminal, and how large
	golang.org/x/text v0.43.0 // how wide a character is
	google.golang.org/grpc v1.83.2 // client: telling sent from not sent
	gopkg.in/yaml.v3 v3.0.1 // scenarios: YAML with places
	pgregory.net/rapid v1.3.0 // tests: properties
)

require (
	github.com/Microsoft/go-winio v0.6.4 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/containerd/errdefs/pkg v0.3.0 // indirect
	github.com/containerd/log v0.2.0 // indirect
	github.com/coreos/go-semver v0.3.1 // indirect
	github.com/coreos/go-systemd/v22 v22.5.0 // indirect
	github.com/distribution/reference v0.6.0 // indirect
	github.com/docker/go-connections v0.8.2 // indirect
	github.com/docker/go-units v0.5.0 // indirect
	github.com/felixge/httpsnoop v1.1.0 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/go-logr/logr v1.4.4 // indirect
	github.com/go-logr/stdr v1.2.2 // indirect
	github.com/gogo/protobuf v1.3.2 // indirect
	github.com/golang/protobuf v1.5.4 // indirect
	github.com/grpc-ecosystem/grpc-gateway/v2 v2.30.0 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/mdlayher/socket v0.5.0 // indirect
	github.com/moby/docker-image-spec v1.3.1 // indirect
	github.com/moby/sys/atomicwriter v0.1.0 // indirect
	github.com/moby/term v0.5.2 // indirect
	github.com/morikuni/aec v1.1.0 // indirect
	github.com/opencontainers/go-digest v1.0.0 // indirect
	github.com/opencontainers/image-spec v1.1.1 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 // tests: the schema of scenarios
	go.etcd.io/etcd/client/pkg/v3 v3.6.16 // indirect
	go.etcd.io/gofail v0.2.0 // tests: failpoints to set
	go.opentelemetry.io/auto/sdk v1.2.1 // indirect
	go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp v0.70.0 // indirect
	go.opentelemetry.io/otel v1.47.0 // indirect
	go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp v1.47.0 // indirect
	go.opentelemetry.io/otel/log v1.47.0 // indirect
	go.opentelemetry.io/otel/metric v1.47.0 // indirect
	go.opentelemetry.io/otel/sdk v1.47.0 // indirect
	go.opentelemetry.io/otel/sdk/metric v1.47.0 // indirect
	go.opentelemetry.io/otel/trace v1.47.0 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	go.uber.org/multierr v1.11.0 // indirect
	golang.org/x/time v0.16.0 // indirect
	golang.org/x/tools v0.51.0 // indirect
	google.golang.org/genproto/googleapis/api v0.0.0-20260928230214-8a89bd6388cc // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260928230214-8a89bd6388cc // indirect
	google.golang.org/protobuf v1.36.12 // indirect
	gotest.tools/v3 v3.5.2 // indirect
)

require (
	github.com/cpuguy83/go-md2man/v2 v2.0.6 // indirect
	github.com/hashicorp/go-version v1.9.0 // indirect
	github.com/json-iterator/go v1.1.12 // indirect
	github.com/modern-go/concurrent v0.0.0-20180306012644-bacd9c7ef1dd // indirect
	github.com/modern-go/reflect2 v1.0.3-0.20250322232337-35a7c28c31ee // indirect
	github.com/russross/blackfriday/v2 v2.1.0 // indirect
	go.opentelemetry.io/collector/featuregate v1.62.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)
