---@meta fstore.core
-- luacheck: ignore
--- The C module: connections, events, JSON, UUIDs. What the world does wrong (a conflict, a lost connection, data that
--- is refused) comes back as nil and an fstore.Error; what the caller does wrong (a wrong type, an unknown key, text
--- with a NUL or with bytes that are no UTF-8, a UUID that is none, a closed connection) raises a message.

---@class fstore.core
---@field version string
---@field json fstore.Json
---@field uuid fstore.Uuid
---@field http fstore.Http
---@field error_metatable table the metatable of every fstore.Error
local core = {}

---@alias fstore.ErrorKind
---| "conflict" the stream has moved on, or has begun already
---| "final" the stream is closed by a final event
---| "wrong_previous" previous_id is no event of this stream
---| "unknown_event" (decider, event, event_version) is not registered
---| "immutable" the log cannot be changed
---| "duplicate" an event of this event_id is stored already
---| "lost_lease" another consumer holds the partition now
---| "invalid" a value the database refuses, or that Lua cannot hold
---| "newer_schema" the schema is of a later version than this program
---| "constraint" another constraint is violated
---| "permission" the login or its rights do not suffice
---| "no_schema" the schema, or something in it, is missing
---| "serialization" a serialization failure or deadlock: try the transaction again
---| "cancelled" the statement was cancelled or took too long
---| "connection" there is no connection, or it was lost
---| "database" anything else the server says

--- tostring(err) is the message with detail and hint on lines of their own.
---@class fstore.Error
---@field kind fstore.ErrorKind
---@field sqlstate? string five characters; absent when libpq itself failed
---@field message string
---@field detail? string
---@field hint? string
---@field constraint? string

--- An event, read-only. pairs() gives the fields in this order, without raw_data and those that are nil. As a value in
--- json.encode it becomes an object of its fields, its data spliced in as it is.
---@class fstore.Event
---@field event string
---@field event_id string UUID
---@field event_version integer
---@field decider string
---@field decider_id string UUID
---@field data any decoded when first read, then kept; raises when a number in it fits no Lua number
---@field command_id string UUID
---@field previous_id? string UUID; nil for the first event of a stream
---@field final boolean
---@field created_at string UTC, "2026-11-25T01:02:03.123456Z"
---@field offset integer
---@field token? integer of the lease; only from lease_events
---@field attempts? integer how often the event's partition was leased without progress; only from lease_events
---@field raw_data string the data as JSON text

--- Rows by number, each a table by column name. bool, int2, int4, int8, float4 and float8 become Lua values, json and
--- jsonb are decoded, bytea becomes its bytes, all else is the server's text; NULL is absent.
---@class fstore.Result
---@field [integer] table<string, any>
---@field affected integer rows returned or changed
---@field columns string[] the columns' names in order

--- Opens a connection, with client_encoding UTF8 and, unless given, application_name fstore-lua.
---@param conninfo string|table<string, string|number> libpq's URL or keyword string, or a table of its keywords
---@param options? { schema?: string } schema: where the store is, default "fstore"
---@return fstore.Connection? connection
---@return fstore.Error? err of kind "connection"
function core.connect(conninfo, options) end

--- HMAC with SHA-256 (RFC 2104).
---@param key string any bytes
---@param text string any bytes
---@return string digest 32 bytes
function core.hmac_sha256(key, text) end

---@param value any
---@return "event"? type nil when the value is no event
function core.event_type(value) end

--- The last event of each partition (decider_id) among the first ones of a list.
---@param events fstore.Event[] in order within a partition
---@param count integer of the first ones
---@return fstore.Event[] last in the order in which the partitions come first
function core.last_of_partitions(events, count) end

--- Tells systemd, when it started us as a service of Type=notify: "READY=1", "STOPPING=1", "STATUS=…".
---@param text string
---@return boolean told false: there is nobody to tell
function core.notify_systemd(text) end

--- A session with the server. Closed by close(), by the end of its scope (<close>), or by the collector.
---@class fstore.Connection
local connection = {}

--- Closing twice does no harm.
function connection:close() end

---@return string schema as given to connect
function connection:schema() end

--- Where the session's transaction stands.
---@return "idle"|"transaction"|"failed"|"closed" status closed: by close(), or lost
function connection:status() end

---@return integer fd of the socket, for poll
function connection:socket() end

---@return integer version 150004 is 15.4
function connection:server_version() end

---@return integer pid of the server's process
function connection:backend_pid() end

--- Runs SQL. With parameters ($1, $2, …; types inferred by the server) it is one statement; without it may be several,
--- and the last one's result counts.
---@param sql string
---@param ... nil|boolean|integer|number|string|fstore.JsonValue|fstore.JsonNull nil and json.null are NULL
---@return fstore.Result? result
---@return fstore.Error? err
function connection:exec(sql, ...) end

--- Begins a transaction whose writes are sent ahead: exec of a text with parameters that was prepared (it came twice)
--- and returned no rows does not wait for the answer. Its `affected` is waited for when it is read, and raises when the
--- write failed. All else waits for what was sent before; a failure found then is returned by every call until
--- close_pipeline, and nothing more is run.
---@param ... string statements without parameters that it begins with: "BEGIN", …
function connection:open_pipeline(...) end

--- Waits for what was sent ahead. The transaction stays open.
---@return true? done
---@return fstore.Error? err of the first write that failed
function connection:close_pipeline() end

--- Like xpcall(f, handler, ...), with a time limit: then the statement that runs is cancelled and the Lua code raises.
--- Code that goes on all the same ends with its process, by SIGALRM, 3 seconds later. One such call at a time.
---@param seconds number
---@param f function
---@param handler fun(value: any): any
---@return boolean ok
---@return any ...
function connection:within(seconds, f, handler, ...) end

---@class fstore.NewEvent
---@field event string
---@field decider string
---@field decider_id string UUID
---@field data any anything JSON can hold; json.null for null
---@field command_id string UUID
---@field previous_id? string UUID of the event before; nil: the one before of the same stream in this list, else none
---@field event_id? string UUID, default a new one of version 7
---@field event_version? integer default 1
---@field final? boolean default false

--- Stores all or none in one round trip. Raises naming the item and the key ("item 2: data.items[3]: NaN is no JSON").
---@param list fstore.NewEvent[]
---@return fstore.Event[]? events as stored; raw_data is the text that was sent
---@return fstore.Error? err
function connection:append_events(list) end

--- Reads a stream in order, in constant memory: page by page, each its own query. The connection is free for other
--- commands in between. A failure on the way raises the fstore.Error.
---@param decider_id string UUID
---@param decider string
---@param options? { after?: integer, page?: integer } after: an offset, default 0; page: events a query, default 1000
---@return fun(): fstore.Event? next
---@return nil state
---@return nil control
---@return userdata closing frees the page at hand when the loop is left
function connection:get_events(decider_id, decider, options) end

--- Reads several streams: by decider_id, then by offset.
---@param decider string
---@param decider_ids string[] UUIDs
---@param limit? integer events of each stream at most; default all
---@return fstore.Event[]? events
---@return fstore.Error? err
function connection:get_streams(decider, decider_ids, limit) end

---@param decider_id string UUID
---@param decider string
---@return fstore.Event? event nil without an error: the stream is empty
---@return fstore.Error? err
function connection:get_last_event(decider_id, decider) end

--- A page of the log in order of offset. Not for consumers: an open transaction may commit an event behind it.
---@param filter { after?: integer, limit?: integer, decider?: string, decider_id?: string } all optional
---@return fstore.Event[]? events
---@return fstore.Error? err
function connection:read_events(filter) end

---@param decider string
---@param event string
---@param description string
---@param version? integer default 1
---@return true? done
---@return fstore.Error? err of kind "constraint" when it is registered already
function connection:register_decider_event(decider, event, description, version) end

---@class fstore.NewView
---@field view string
---@field start_at? string a timestamp; nil: keep it, or now for a new view
---@field lock_timeout_s? integer seconds, default 300
---@field pooling_delay_s? integer seconds
---@field edge_function_url? string
---@field max_attempts? integer

---@param view fstore.NewView
---@param fill? boolean false: the locks of a new view are left to the SQL function fill_view; default true
---@return table<string, any>? row of views
---@return fstore.Error? err
function connection:register_view(view, fill) end

--- Leases partitions and returns the next event of each.
---@param view string
---@param options? { limit?: integer, seconds?: integer } limit: default 1; seconds: of the lease, default the view's
---@return fstore.Event[]? events
---@return fstore.Error? err
function connection:stream_events(view, options) end

--- Leases partitions and returns events of each in order, with the lease's token.
---@param view string
---@param options? { limit?: integer, seconds?: integer, holder?: integer } limit: events, default 100; seconds: default
---  the view's; holder: pid of a server process, see the SQL function free_orphaned_leases
---@return fstore.Event[]? events
---@return fstore.Error? err
function connection:lease_events(view, options) end

--- Gives a partition back, done up to an offset.
---@param view string
---@param decider_id string UUID
---@param offset integer
---@param token? integer of the lease; nil: no check, as the original
---@return table<string, any>? lock the row of locks; nil without an error: there was none
---@return fstore.Error? err
function connection:ack_event(view, decider_id, offset, token) end

--- Gives a partition back as it was.
---@param view string
---@param decider_id string UUID
---@param token? integer
---@return table<string, any>? lock
---@return fstore.Error? err
function connection:nack_event(view, decider_id, token) end

--- Gives a partition back, to be leased again after a delay.
---@param view string
---@param decider_id string UUID
---@param milliseconds integer
---@param token? integer
---@return table<string, any>? lock
---@return fstore.Error? err
function connection:schedule_nack_event(view, decider_id, milliseconds, token) end

---@class fstore.Ack
---@field decider_id string UUID
---@field offset integer
---@field token? integer

---@class fstore.Nack
---@field decider_id string UUID
---@field token? integer
---@field milliseconds? integer before it may be leased again
---@field error? string what went wrong

--- Acks many in one round trip; those whose lease was lost are not counted.
---@param view string
---@param list (fstore.Ack|fstore.Event)[] leased events will do
---@return integer? accepted
---@return fstore.Error? err
function connection:ack_events(view, list) end

---@param view string
---@param list (fstore.Nack|fstore.Event)[]
---@return integer? accepted
---@return fstore.Error? err
function connection:nack_events(view, list) end

--- Waits for a notification (LISTEN is up to the caller). Those that wait already are taken at once, all of them.
---@param milliseconds number not negative
---@return boolean? notified false: the time is over, or a signal came
---@return "interrupted"|fstore.Error|nil reason the signal, or why the connection was lost (notified is nil then)
function connection:wait(milliseconds) end

---@class fstore.JsonNull: userdata

---@class fstore.JsonValue: userdata

--- JSON without loss: integers of 64 bits stay integers, floats stay floats, null has a sentinel, an array stays one.
---@class fstore.Json
---@field null fstore.JsonNull
local json = {}

--- Objects come with sorted keys; a table with a value at 1, or marked by json.array, is an array. Raises on what JSON
--- cannot hold, with the path to it: "value.items[3]: NaN is no JSON".
---@param value any
---@return string text
function json.encode(value) end

--- Arrays come marked. Of equal keys in an object the last one counts.
---@param text string
---@return any value nil when it is no JSON, or has a number that neither an integer of 64 bits nor a float holds
---@return string? message with the place
function json.decode(text) end

--- Marks a table as an array, so that it is one when it is empty.
---@generic T: table
---@param list? T default a new one
---@return T list
function json.array(list) end

---@param value any
---@return boolean is_array a table marked as an array
function json.is_array(value) end

--- The value's JSON text, kept as such: a parameter for exec, and in encode and append_events spliced in as it is.
--- Raises as encode does.
---@param value any
---@return fstore.JsonValue
function json.value(value) end

---@class fstore.Uuid
local uuid = {}

---@return string uuid random
function uuid.v4() end

--- Rises within a thread, even inside one millisecond (RFC 9562).
---@return string uuid begins with the time
function uuid.v7() end

--- The same for the same name, on every machine.
---@param namespace string UUID
---@param name string any bytes
---@return string uuid
function uuid.v5(namespace, name) end

---@param text any
---@return boolean is_uuid whether it is a string of the form 8-4-4-4-12, in any case
function uuid.is_uuid(text) end

---@class fstore.Http
local http = {}

--- A client that sends POST requests, many at a time, over connections that it keeps. Certificates are verified,
--- redirects are answers like others, and no message names more of a URL than its host and port.
---@param options? { ca_file?: string } ca_file: authorities to trust, as PEM, instead of the system's
---@return fstore.HttpClient
function http.client(options) end

---@param url string
---@return string? origin scheme, host and port; nil when it is no URL for http or https
---@return boolean|string more whether it holds a user, a password or a query; or what is wrong with it
function http.origin(url) end

--- Closed by close(), by the end of its scope (<close>), or by the collector; what is in flight is broken off.
---@class fstore.HttpClient
local client = {}

--- Begins a request; it goes on in `wait`.
---@param url string
---@param headers string[] each "Name: value"
---@param body string
---@param milliseconds integer for all of it
---@return integer id
function client:post(url, headers, body, milliseconds) end

--- Goes on with all requests until one of them has ended, a socket can be read, or the time is over.
---@param milliseconds number
---@param ... integer sockets, two at most
function client:wait(milliseconds, ...) end

---@class fstore.HttpAnswer
---@field error? string why there is no answer; then it is the only field
---@field status? integer
---@field retry_after_s? integer what the header Retry-After says, as a number or a date; 0: nothing, or the past
---@field body? string at most the first 512 bytes

--- Takes the answer to a request that has ended.
---@return integer? id nil: there is none now
---@return fstore.HttpAnswer? answer
function client:take() end

--- Closing twice does no harm.
function client:close() end

return core
