//! Every identifier that the attribute's expansion uses, as each kind of name that a user gives.
//!
//! Made by `UPDATE=1 cargo test -p rapace-macros`, which otherwise finds out that it is not up to date.

#[::rapace::service]
pub(crate) trait Arguments {
    async fn all(&self,
        ArgumentDescriptor: u8,
        Box: u8,
        Call: u8,
        Clone: u8,
        Copy: u8,
        Debug: u8,
        DecodeError: u8,
        Deref: u8,
        EncodeError: u8,
        Error: u8,
        Facet: u8,
        From: u8,
        Future: u8,
        HandlerError: u8,
        IDEMPOTENT: u8,
        ITEMS_IN: u8,
        ITEMS_OUT: u8,
        Infallible: u8,
        IntoStreaming: u8,
        METHOD: u8,
        MethodCall: u8,
        MethodDescriptor: u8,
        NoStream: u8,
        Option: u8,
        OutgoingItems: u8,
        Output: u8,
        Proxy: u8,
        Reader: u8,
        Request: u8,
        RequestError: u8,
        Response: u8,
        Result: u8,
        SHAPE: u8,
        Send: u8,
        Serve: u8,
        Service: u8,
        ServiceDescriptor: u8,
        Status: u8,
        StreamReceiver: u8,
        Streaming: u8,
        String: u8,
        T: u8,
        Target: u8,
        TypedProxy: u8,
        UnknownMethod: u8,
        Vec: u8,
        Wire: u8,
        Writer: u8,
        __macro: u8,
        all: u8,
        alloc: u8,
        allow: u8,
        arguments: u8,
        r#as: u8,
        ask: u8,
        r#async: u8,
        automatically_derived: u8,
        r#await: u8,
        bool: u8,
        broken_intra_doc_links: u8,
        clippy: u8,
        clone: u8,
        r#const: u8,
        convert: u8,
        core: u8,
        dead_code: u8,
        decode_reply: u8,
        decode_request: u8,
        deprecated: u8,
        deref: u8,
        derive: u8,
        descriptor: u8,
        doc: u8,
        r#dyn: u8,
        empty: u8,
        encode: u8,
        encode_response: u8,
        r#enum: u8,
        error: u8,
        r#false: u8,
        fmt: u8,
        r#fn: u8,
        r#for: u8,
        from: u8,
        from_proxy: u8,
        from_receiver: u8,
        from_request: u8,
        from_response: u8,
        future: u8,
        handle: u8,
        hidden: u8,
        idempotent: u8,
        r#if: u8,
        r#impl: u8,
        into_inner: u8,
        into_request: u8,
        into_streaming: u8,
        items_in: u8,
        items_out: u8,
        r#let: u8,
        local: u8,
        marker: u8,
        r#match: u8,
        method: u8,
        methods: u8,
        r#mut: u8,
        name: u8,
        new: u8,
        no_error: u8,
        nursery: u8,
        ok: u8,
        ok_or: u8,
        ops: u8,
        option: u8,
        own_error: u8,
        pedantic: u8,
        prelude: u8,
        primitive: u8,
        proxy: u8,
        r#pub: u8,
        rapace: u8,
        read: u8,
        result: u8,
        r#return: u8,
        rustdoc: u8,
        shape: u8,
        r#static: u8,
        status: u8,
        std: u8,
        r#struct: u8,
        take_items: u8,
        r#trait: u8,
        r#true: u8,
        r#type: u8,
        u16: u8,
        u32: u8,
        u8: u8,
        unreachable_patterns: u8,
        v1: u8,
        write: u8,
    ) -> u8;
}

#[::rapace::service]
pub(crate) trait Methods {
    #[rapace(message = M0)]
    async fn ArgumentDescriptor(&self) -> u8;
    #[rapace(message = M1)]
    async fn Box(&self) -> u8;
    #[rapace(message = M2)]
    async fn Call(&self) -> u8;
    #[rapace(message = M3)]
    async fn Clone(&self) -> u8;
    #[rapace(message = M4)]
    async fn Copy(&self) -> u8;
    #[rapace(message = M5)]
    async fn Debug(&self) -> u8;
    #[rapace(message = M6)]
    async fn DecodeError(&self) -> u8;
    #[rapace(message = M7)]
    async fn Deref(&self) -> u8;
    #[rapace(message = M8)]
    async fn EncodeError(&self) -> u8;
    #[rapace(message = M9)]
    async fn Err(&self) -> u8;
    #[rapace(message = M10)]
    async fn Error(&self) -> u8;
    #[rapace(message = M11)]
    async fn Facet(&self) -> u8;
    #[rapace(message = M12)]
    async fn From(&self) -> u8;
    #[rapace(message = M13)]
    async fn Future(&self) -> u8;
    #[rapace(message = M14)]
    async fn HandlerError(&self) -> u8;
    #[rapace(message = M15)]
    async fn IDEMPOTENT(&self) -> u8;
    #[rapace(message = M16)]
    async fn ITEMS_IN(&self) -> u8;
    #[rapace(message = M17)]
    async fn ITEMS_OUT(&self) -> u8;
    #[rapace(message = M18)]
    async fn Infallible(&self) -> u8;
    #[rapace(message = M19)]
    async fn IntoStreaming(&self) -> u8;
    #[rapace(message = M20)]
    async fn METHOD(&self) -> u8;
    #[rapace(message = M21)]
    async fn MethodCall(&self) -> u8;
    #[rapace(message = M22)]
    async fn MethodDescriptor(&self) -> u8;
    #[rapace(message = M23)]
    async fn NoStream(&self) -> u8;
    #[rapace(message = M24)]
    async fn None(&self) -> u8;
    #[rapace(message = M25)]
    async fn Ok(&self) -> u8;
    #[rapace(message = M26)]
    async fn Option(&self) -> u8;
    #[rapace(message = M27)]
    async fn OutgoingItems(&self) -> u8;
    #[rapace(message = M28)]
    async fn Output(&self) -> u8;
    #[rapace(message = M29)]
    async fn Proxy(&self) -> u8;
    #[rapace(message = M30)]
    async fn Reader(&self) -> u8;
    #[rapace(message = M31)]
    async fn Request(&self) -> u8;
    #[rapace(message = M32)]
    async fn RequestError(&self) -> u8;
    #[rapace(message = M33)]
    async fn Response(&self) -> u8;
    #[rapace(message = M34)]
    async fn Result(&self) -> u8;
    #[rapace(message = M35)]
    async fn SHAPE(&self) -> u8;
    #[rapace(message = M36)]
    async fn Send(&self) -> u8;
    #[rapace(message = M37)]
    async fn Serve(&self) -> u8;
    #[rapace(message = M38)]
    async fn Service(&self) -> u8;
    #[rapace(message = M39)]
    async fn ServiceDescriptor(&self) -> u8;
    #[rapace(message = M40)]
    async fn Some(&self) -> u8;
    #[rapace(message = M41)]
    async fn Status(&self) -> u8;
    #[rapace(message = M42)]
    async fn StreamReceiver(&self) -> u8;
    #[rapace(message = M43)]
    async fn Streaming(&self) -> u8;
    #[rapace(message = M44)]
    async fn String(&self) -> u8;
    #[rapace(message = M45)]
    async fn T(&self) -> u8;
    #[rapace(message = M46)]
    async fn Target(&self) -> u8;
    #[rapace(message = M47)]
    async fn TypedProxy(&self) -> u8;
    #[rapace(message = M48)]
    async fn UnknownMethod(&self) -> u8;
    #[rapace(message = M49)]
    async fn Vec(&self) -> u8;
    #[rapace(message = M50)]
    async fn Wire(&self) -> u8;
    #[rapace(message = M51)]
    async fn Writer(&self) -> u8;
    #[rapace(message = M52)]
    async fn __macro(&self) -> u8;
    #[rapace(message = M53)]
    async fn all(&self) -> u8;
    #[rapace(message = M54)]
    async fn alloc(&self) -> u8;
    #[rapace(message = M55)]
    async fn allow(&self) -> u8;
    #[rapace(message = M56)]
    async fn arguments(&self) -> u8;
    #[rapace(message = M57)]
    async fn r#as(&self) -> u8;
    #[rapace(message = M58)]
    async fn r#async(&self) -> u8;
    #[rapace(message = M59)]
    async fn automatically_derived(&self) -> u8;
    #[rapace(message = M60)]
    async fn r#await(&self) -> u8;
    #[rapace(message = M61)]
    async fn bool(&self) -> u8;
    #[rapace(message = M62)]
    async fn broken_intra_doc_links(&self) -> u8;
    #[rapace(message = M63)]
    async fn clippy(&self) -> u8;
    #[rapace(message = M64)]
    async fn r#const(&self) -> u8;
    #[rapace(message = M65)]
    async fn convert(&self) -> u8;
    #[rapace(message = M66)]
    async fn core(&self) -> u8;
    #[rapace(message = M67)]
    async fn dead_code(&self) -> u8;
    #[rapace(message = M68)]
    async fn decode_reply(&self) -> u8;
    #[rapace(message = M69)]
    async fn decode_request(&self) -> u8;
    #[rapace(message = M70)]
    async fn deprecated(&self) -> u8;
    #[rapace(message = M71)]
    async fn deref(&self) -> u8;
    #[rapace(message = M72)]
    async fn derive(&self) -> u8;
    #[rapace(message = M73)]
    async fn descriptor(&self) -> u8;
    #[rapace(message = M74)]
    async fn doc(&self) -> u8;
    #[rapace(message = M75)]
    async fn r#dyn(&self) -> u8;
    #[rapace(message = M76)]
    async fn empty(&self) -> u8;
    #[rapace(message = M77)]
    async fn encode(&self) -> u8;
    #[rapace(message = M78)]
    async fn encode_response(&self) -> u8;
    #[rapace(message = M79)]
    async fn r#enum(&self) -> u8;
    #[rapace(message = M80)]
    async fn error(&self) -> u8;
    #[rapace(message = M81)]
    async fn r#false(&self) -> u8;
    #[rapace(message = M82)]
    async fn fmt(&self) -> u8;
    #[rapace(message = M83)]
    async fn r#fn(&self) -> u8;
    #[rapace(message = M84)]
    async fn r#for(&self) -> u8;
    #[rapace(message = M85)]
    async fn from_receiver(&self) -> u8;
    #[rapace(message = M86)]
    async fn from_request(&self) -> u8;
    #[rapace(message = M87)]
    async fn from_response(&self) -> u8;
    #[rapace(message = M88)]
    async fn future(&self) -> u8;
    #[rapace(message = M89)]
    async fn handle(&self) -> u8;
    #[rapace(message = M90)]
    async fn hidden(&self) -> u8;
    #[rapace(message = M91)]
    async fn idempotent(&self) -> u8;
    #[rapace(message = M92)]
    async fn r#if(&self) -> u8;
    #[rapace(message = M93)]
    async fn r#impl(&self) -> u8;
    #[rapace(message = M94)]
    async fn into_inner(&self) -> u8;
    #[rapace(message = M95)]
    async fn into_request(&self) -> u8;
    #[rapace(message = M96)]
    async fn into_streaming(&self) -> u8;
    #[rapace(message = M97)]
    async fn items_in(&self) -> u8;
    #[rapace(message = M98)]
    async fn items_out(&self) -> u8;
    #[rapace(message = M99)]
    async fn r#let(&self) -> u8;
    #[rapace(message = M100)]
    async fn marker(&self) -> u8;
    #[rapace(message = M101)]
    async fn r#match(&self) -> u8;
    #[rapace(message = M102)]
    async fn method(&self) -> u8;
    #[rapace(message = M103)]
    async fn methods(&self) -> u8;
    #[rapace(message = M104)]
    async fn r#mut(&self) -> u8;
    #[rapace(message = M105)]
    async fn name(&self) -> u8;
    #[rapace(message = M106)]
    async fn new(&self) -> u8;
    #[rapace(message = M107)]
    async fn no_error(&self) -> u8;
    #[rapace(message = M108)]
    async fn nursery(&self) -> u8;
    #[rapace(message = M109)]
    async fn ok(&self) -> u8;
    #[rapace(message = M110)]
    async fn ok_or(&self) -> u8;
    #[rapace(message = M111)]
    async fn ops(&self) -> u8;
    #[rapace(message = M112)]
    async fn option(&self) -> u8;
    #[rapace(message = M113)]
    async fn own_error(&self) -> u8;
    #[rapace(message = M114)]
    async fn pedantic(&self) -> u8;
    #[rapace(message = M115)]
    async fn prelude(&self) -> u8;
    #[rapace(message = M116)]
    async fn primitive(&self) -> u8;
    #[rapace(message = M117)]
    async fn proxy(&self) -> u8;
    #[rapace(message = M118)]
    async fn r#pub(&self) -> u8;
    #[rapace(message = M119)]
    async fn rapace(&self) -> u8;
    #[rapace(message = M120)]
    async fn read(&self) -> u8;
    #[rapace(message = M121)]
    async fn result(&self) -> u8;
    #[rapace(message = M122)]
    async fn r#return(&self) -> u8;
    #[rapace(message = M123)]
    async fn rustdoc(&self) -> u8;
    #[rapace(message = M124)]
    async fn shape(&self) -> u8;
    #[rapace(message = M125)]
    async fn r#static(&self) -> u8;
    #[rapace(message = M126)]
    async fn status(&self) -> u8;
    #[rapace(message = M127)]
    async fn std(&self) -> u8;
    #[rapace(message = M128)]
    async fn r#struct(&self) -> u8;
    #[rapace(message = M129)]
    async fn take_items(&self) -> u8;
    #[rapace(message = M130)]
    async fn r#trait(&self) -> u8;
    #[rapace(message = M131)]
    async fn r#true(&self) -> u8;
    #[rapace(message = M132)]
    async fn r#type(&self) -> u8;
    #[rapace(message = M133)]
    async fn u16(&self) -> u8;
    #[rapace(message = M134)]
    async fn u32(&self) -> u8;
    #[rapace(message = M135)]
    async fn u8(&self) -> u8;
    #[rapace(message = M136)]
    async fn unreachable_patterns(&self) -> u8;
    #[rapace(message = M137)]
    async fn v1(&self) -> u8;
    #[rapace(message = M138)]
    async fn write(&self) -> u8;
}

pub(crate) mod types {
    pub(crate) type ArgumentDescriptor = ::core::primitive::u8;
    pub(crate) type Box = ::core::primitive::u8;
    pub(crate) type Call = ::core::primitive::u8;
    pub(crate) type Clone = ::core::primitive::u8;
    pub(crate) type Copy = ::core::primitive::u8;
    pub(crate) type Debug = ::core::primitive::u8;
    pub(crate) type DecodeError = ::core::primitive::u8;
    pub(crate) type Deref = ::core::primitive::u8;
    pub(crate) type EncodeError = ::core::primitive::u8;
    pub(crate) type Err = ::core::primitive::u8;
    pub(crate) type Error = ::core::primitive::u8;
    pub(crate) type Facet = ::core::primitive::u8;
    pub(crate) type From = ::core::primitive::u8;
    pub(crate) type Future = ::core::primitive::u8;
    pub(crate) type HandlerError = ::core::primitive::u8;
    pub(crate) type IDEMPOTENT = ::core::primitive::u8;
    pub(crate) type ITEMS_IN = ::core::primitive::u8;
    pub(crate) type ITEMS_OUT = ::core::primitive::u8;
    pub(crate) type Infallible = ::core::primitive::u8;
    pub(crate) type IntoStreaming = ::core::primitive::u8;
    pub(crate) type METHOD = ::core::primitive::u8;
    pub(crate) type MethodCall = ::core::primitive::u8;
    pub(crate) type MethodDescriptor = ::core::primitive::u8;
    pub(crate) type NoStream = ::core::primitive::u8;
    pub(crate) type None = ::core::primitive::u8;
    pub(crate) type Ok = ::core::primitive::u8;
    pub(crate) type Option = ::core::primitive::u8;
    pub(crate) type OutgoingItems = ::core::primitive::u8;
    pub(crate) type Output = ::core::primitive::u8;
    pub(crate) type Proxy = ::core::primitive::u8;
    pub(crate) type Reader = ::core::primitive::u8;
    pub(crate) type Request = ::core::primitive::u8;
    pub(crate) type RequestError = ::core::primitive::u8;
    pub(crate) type Response = ::core::primitive::u8;
    pub(crate) type SHAPE = ::core::primitive::u8;
    pub(crate) type Send = ::core::primitive::u8;
    pub(crate) type Serve = ::core::primitive::u8;
    pub(crate) type Service = ::core::primitive::u8;
    pub(crate) type ServiceDescriptor = ::core::primitive::u8;
    pub(crate) type Some = ::core::primitive::u8;
    pub(crate) type Status = ::core::primitive::u8;
    pub(crate) type StreamReceiver = ::core::primitive::u8;
    pub(crate) type String = ::core::primitive::u8;
    pub(crate) type T = ::core::primitive::u8;
    pub(crate) type Target = ::core::primitive::u8;
    pub(crate) type TypedProxy = ::core::primitive::u8;
    pub(crate) type UnknownMethod = ::core::primitive::u8;
    pub(crate) type Vec = ::core::primitive::u8;
    pub(crate) type Wire = ::core::primitive::u8;
    pub(crate) type Writer = ::core::primitive::u8;
    pub(crate) type __macro = ::core::primitive::u8;
    pub(crate) type all = ::core::primitive::u8;
    pub(crate) type alloc = ::core::primitive::u8;
    pub(crate) type allow = ::core::primitive::u8;
    pub(crate) type arguments = ::core::primitive::u8;
    pub(crate) type r#as = ::core::primitive::u8;
    pub(crate) type ask = ::core::primitive::u8;
    pub(crate) type r#async = ::core::primitive::u8;
    pub(crate) type automatically_derived = ::core::primitive::u8;
    pub(crate) type r#await = ::core::primitive::u8;
    pub(crate) type bool = ::core::primitive::u8;
    pub(crate) type broken_intra_doc_links = ::core::primitive::u8;
    pub(crate) type clippy = ::core::primitive::u8;
    pub(crate) type clone = ::core::primitive::u8;
    pub(crate) type r#const = ::core::primitive::u8;
    pub(crate) type convert = ::core::primitive::u8;
    pub(crate) type core = ::core::primitive::u8;
    pub(crate) type dead_code = ::core::primitive::u8;
    pub(crate) type decode_reply = ::core::primitive::u8;
    pub(crate) type decode_request = ::core::primitive::u8;
    pub(crate) type deprecated = ::core::primitive::u8;
    pub(crate) type deref = ::core::primitive::u8;
    pub(crate) type derive = ::core::primitive::u8;
    pub(crate) type descriptor = ::core::primitive::u8;
    pub(crate) type doc = ::core::primitive::u8;
    pub(crate) type r#dyn = ::core::primitive::u8;
    pub(crate) type empty = ::core::primitive::u8;
    pub(crate) type encode = ::core::primitive::u8;
    pub(crate) type encode_response = ::core::primitive::u8;
    pub(crate) type r#enum = ::core::primitive::u8;
    pub(crate) type error = ::core::primitive::u8;
    pub(crate) type r#false = ::core::primitive::u8;
    pub(crate) type fmt = ::core::primitive::u8;
    pub(crate) type r#fn = ::core::primitive::u8;
    pub(crate) type r#for = ::core::primitive::u8;
    pub(crate) type from = ::core::primitive::u8;
    pub(crate) type from_proxy = ::core::primitive::u8;
    pub(crate) type from_receiver = ::core::primitive::u8;
    pub(crate) type from_request = ::core::primitive::u8;
    pub(crate) type from_response = ::core::primitive::u8;
    pub(crate) type future = ::core::primitive::u8;
    pub(crate) type handle = ::core::primitive::u8;
    pub(crate) type hidden = ::core::primitive::u8;
    pub(crate) type idempotent = ::core::primitive::u8;
    pub(crate) type r#if = ::core::primitive::u8;
    pub(crate) type r#impl = ::core::primitive::u8;
    pub(crate) type into_inner = ::core::primitive::u8;
    pub(crate) type into_request = ::core::primitive::u8;
    pub(crate) type into_streaming = ::core::primitive::u8;
    pub(crate) type items_in = ::core::primitive::u8;
    pub(crate) type items_out = ::core::primitive::u8;
    pub(crate) type r#let = ::core::primitive::u8;
    pub(crate) type local = ::core::primitive::u8;
    pub(crate) type marker = ::core::primitive::u8;
    pub(crate) type r#match = ::core::primitive::u8;
    pub(crate) type method = ::core::primitive::u8;
    pub(crate) type methods = ::core::primitive::u8;
    pub(crate) type r#mut = ::core::primitive::u8;
    pub(crate) type name = ::core::primitive::u8;
    pub(crate) type new = ::core::primitive::u8;
    pub(crate) type no_error = ::core::primitive::u8;
    pub(crate) type nursery = ::core::primitive::u8;
    pub(crate) type ok = ::core::primitive::u8;
    pub(crate) type ok_or = ::core::primitive::u8;
    pub(crate) type ops = ::core::primitive::u8;
    pub(crate) type option = ::core::primitive::u8;
    pub(crate) type own_error = ::core::primitive::u8;
    pub(crate) type pedantic = ::core::primitive::u8;
    pub(crate) type prelude = ::core::primitive::u8;
    pub(crate) type primitive = ::core::primitive::u8;
    pub(crate) type proxy = ::core::primitive::u8;
    pub(crate) type r#pub = ::core::primitive::u8;
    pub(crate) type rapace = ::core::primitive::u8;
    pub(crate) type read = ::core::primitive::u8;
    pub(crate) type result = ::core::primitive::u8;
    pub(crate) type r#return = ::core::primitive::u8;
    pub(crate) type rustdoc = ::core::primitive::u8;
    pub(crate) type shape = ::core::primitive::u8;
    pub(crate) type r#static = ::core::primitive::u8;
    pub(crate) type status = ::core::primitive::u8;
    pub(crate) type std = ::core::primitive::u8;
    pub(crate) type r#struct = ::core::primitive::u8;
    pub(crate) type take_items = ::core::primitive::u8;
    pub(crate) type r#trait = ::core::primitive::u8;
    pub(crate) type r#true = ::core::primitive::u8;
    pub(crate) type r#type = ::core::primitive::u8;
    pub(crate) type u16 = ::core::primitive::u8;
    pub(crate) type u32 = ::core::primitive::u8;
    pub(crate) type u8 = ::core::primitive::u8;
    pub(crate) type unreachable_patterns = ::core::primitive::u8;
    pub(crate) type v1 = ::core::primitive::u8;
    pub(crate) type write = ::core::primitive::u8;
    #[::rapace::service]
    pub(crate) trait Types {
        async fn all(&self,
            a0: ArgumentDescriptor,
            a1: Box,
            a2: Call,
            a3: Clone,
            a4: Copy,
            a5: Debug,
            a6: DecodeError,
            a7: Deref,
            a8: EncodeError,
            a9: Err,
            a10: Error,
            a11: Facet,
            a12: From,
            a13: Future,
            a14: HandlerError,
            a15: IDEMPOTENT,
            a16: ITEMS_IN,
            a17: ITEMS_OUT,
            a18: Infallible,
            a19: IntoStreaming,
            a20: METHOD,
            a21: MethodCall,
            a22: MethodDescriptor,
            a23: NoStream,
            a24: None,
            a25: Ok,
            a26: Option,
            a27: OutgoingItems,
            a28: Output,
            a29: Proxy,
            a30: Reader,
            a31: Request,
            a32: RequestError,
            a33: Response,
            a34: SHAPE,
            a35: Send,
            a36: Serve,
            a37: Service,
            a38: ServiceDescriptor,
            a39: Some,
            a40: Status,
            a41: StreamReceiver,
            a42: String,
            a43: T,
            a44: Target,
            a45: TypedProxy,
            a46: UnknownMethod,
            a47: Vec,
            a48: Wire,
            a49: Writer,
            a50: __macro,
            a51: all,
            a52: alloc,
            a53: allow,
            a54: arguments,
            a55: r#as,
            a56: ask,
            a57: r#async,
            a58: automatically_derived,
            a59: r#await,
            a60: bool,
            a61: broken_intra_doc_links,
            a62: clippy,
            a63: clone,
            a64: r#const,
            a65: convert,
            a66: core,
            a67: dead_code,
            a68: decode_reply,
            a69: decode_request,
            a70: deprecated,
            a71: deref,
            a72: derive,
            a73: descriptor,
            a74: doc,
            a75: r#dyn,
            a76: empty,
            a77: encode,
            a78: encode_response,
            a79: r#enum,
            a80: error,
            a81: r#false,
            a82: fmt,
            a83: r#fn,
            a84: r#for,
            a85: from,
            a86: from_proxy,
            a87: from_receiver,
            a88: from_request,
            a89: from_response,
            a90: future,
            a91: handle,
            a92: hidden,
            a93: idempotent,
            a94: r#if,
            a95: r#impl,
            a96: into_inner,
            a97: into_request,
            a98: into_streaming,
            a99: items_in,
            a100: items_out,
            a101: r#let,
            a102: local,
            a103: marker,
            a104: r#match,
            a105: method,
            a106: methods,
            a107: r#mut,
            a108: name,
            a109: new,
            a110: no_error,
            a111: nursery,
            a112: ok,
            a113: ok_or,
            a114: ops,
            a115: option,
            a116: own_error,
            a117: pedantic,
            a118: prelude,
            a119: primitive,
            a120: proxy,
            a121: r#pub,
            a122: rapace,
            a123: read,
            a124: result,
            a125: r#return,
            a126: rustdoc,
            a127: shape,
            a128: r#static,
            a129: status,
            a130: std,
            a131: r#struct,
            a132: take_items,
            a133: r#trait,
            a134: r#true,
            a135: r#type,
            a136: u16,
            a137: u32,
            a138: u8,
            a139: unreachable_patterns,
            a140: v1,
            a141: write,
        ) -> ::core::primitive::u8;
    }
}

pub(crate) mod hidden {
    pub(crate) struct ArgumentDescriptor;
    pub(crate) struct Box;
    pub(crate) struct Call;
    pub(crate) struct Clone;
    pub(crate) struct Copy;
    pub(crate) struct Debug;
    pub(crate) struct DecodeError;
    pub(crate) struct Deref;
    pub(crate) struct EncodeError;
    pub(crate) struct Err;
    pub(crate) struct Error;
    pub(crate) struct Facet;
    pub(crate) struct From;
    pub(crate) struct Future;
    pub(crate) struct HandlerError;
    pub(crate) struct IDEMPOTENT;
    pub(crate) struct ITEMS_IN;
    pub(crate) struct ITEMS_OUT;
    pub(crate) struct Infallible;
    pub(crate) struct IntoStreaming;
    pub(crate) struct METHOD;
    pub(crate) struct MethodCall;
    pub(crate) struct MethodDescriptor;
    pub(crate) struct NoStream;
    pub(crate) struct None;
    pub(crate) struct Ok;
    pub(crate) struct Option;
    pub(crate) struct OutgoingItems;
    pub(crate) struct Output;
    pub(crate) struct Proxy;
    pub(crate) struct Reader;
    pub(crate) struct Request;
    pub(crate) struct RequestError;
    pub(crate) struct Response;
    pub(crate) struct Result;
    pub(crate) struct SHAPE;
    pub(crate) struct Send;
    pub(crate) struct Serve;
    pub(crate) struct Service;
    pub(crate) struct ServiceDescriptor;
    pub(crate) struct Some;
    pub(crate) struct Status;
    pub(crate) struct StreamReceiver;
    pub(crate) struct Streaming;
    pub(crate) struct String;
    pub(crate) struct T;
    pub(crate) struct Target;
    pub(crate) struct TypedProxy;
    pub(crate) struct UnknownMethod;
    pub(crate) struct Vec;
    pub(crate) struct Wire;
    pub(crate) struct Writer;
    pub(crate) struct __macro;
    pub(crate) struct all;
    pub(crate) struct alloc;
    pub(crate) struct allow;
    pub(crate) struct arguments;
    pub(crate) struct r#as;
    pub(crate) struct ask;
    pub(crate) struct r#async;
    pub(crate) struct automatically_derived;
    pub(crate) struct r#await;
    pub(crate) struct bool;
    pub(crate) struct broken_intra_doc_links;
    pub(crate) struct clippy;
    pub(crate) struct clone;
    pub(crate) struct r#const;
    pub(crate) struct convert;
    pub(crate) struct core;
    pub(crate) struct dead_code;
    pub(crate) struct decode_reply;
    pub(crate) struct decode_request;
    pub(crate) struct deprecated;
    pub(crate) struct deref;
    pub(crate) struct derive;
    pub(crate) struct descriptor;
    pub(crate) struct doc;
    pub(crate) struct r#dyn;
    pub(crate) struct empty;
    pub(crate) struct encode;
    pub(crate) struct encode_response;
    pub(crate) struct r#enum;
    pub(crate) struct error;
    pub(crate) struct r#false;
    pub(crate) struct fmt;
    pub(crate) struct r#fn;
    pub(crate) struct r#for;
    pub(crate) struct from;
    pub(crate) struct from_proxy;
    pub(crate) struct from_receiver;
    pub(crate) struct from_request;
    pub(crate) struct from_response;
    pub(crate) struct future;
    pub(crate) struct handle;
    pub(crate) struct hidden;
    pub(crate) struct idempotent;
    pub(crate) struct r#if;
    pub(crate) struct r#impl;
    pub(crate) struct into_inner;
    pub(crate) struct into_request;
    pub(crate) struct into_streaming;
    pub(crate) struct items_in;
    pub(crate) struct items_out;
    pub(crate) struct r#let;
    pub(crate) struct local;
    pub(crate) struct marker;
    pub(crate) struct r#match;
    pub(crate) struct method;
    pub(crate) struct methods;
    pub(crate) struct r#mut;
    pub(crate) struct name;
    pub(crate) struct new;
    pub(crate) struct no_error;
    pub(crate) struct nursery;
    pub(crate) struct ok;
    pub(crate) struct ok_or;
    pub(crate) struct ops;
    pub(crate) struct option;
    pub(crate) struct own_error;
    pub(crate) struct pedantic;
    pub(crate) struct prelude;
    pub(crate) struct primitive;
    pub(crate) struct proxy;
    pub(crate) struct r#pub;
    pub(crate) struct rapace;
    pub(crate) struct read;
    pub(crate) struct result;
    pub(crate) struct r#return;
    pub(crate) struct rustdoc;
    pub(crate) struct shape;
    pub(crate) struct r#static;
    pub(crate) struct status;
    pub(crate) struct std;
    pub(crate) struct r#struct;
    pub(crate) struct take_items;
    pub(crate) struct r#trait;
    pub(crate) struct r#true;
    pub(crate) struct r#type;
    pub(crate) struct u16;
    pub(crate) struct u32;
    pub(crate) struct u8;
    pub(crate) struct unreachable_patterns;
    pub(crate) struct v1;
    pub(crate) struct write;
    #[::rapace::service]
    pub(crate) trait Hidden {
        #[rapace(message = Z27z0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Z27z1)]
        async fn zz_nothing(&self);
        #[rapace(message = Z27z2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
    #[::rapace::service]
    pub(crate) trait HiddenToo {
        #[rapace(message = Z30z0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Z30z1)]
        async fn zz_nothing(&self);
        #[rapace(message = Z30z2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t0 {
    #[::rapace::service]
    pub(crate) trait ArgumentDescriptor {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t1 {
    #[::rapace::service]
    pub(crate) trait Box {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t2 {
    #[::rapace::service]
    pub(crate) trait Call {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t3 {
    #[::rapace::service]
    pub(crate) trait Clone {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t4 {
    #[::rapace::service]
    pub(crate) trait Copy {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t5 {
    #[::rapace::service]
    pub(crate) trait Debug {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t6 {
    #[::rapace::service]
    pub(crate) trait DecodeError {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t7 {
    #[::rapace::service]
    pub(crate) trait Deref {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t8 {
    #[::rapace::service]
    pub(crate) trait EncodeError {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t9 {
    #[::rapace::service]
    pub(crate) trait Err {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t10 {
    #[::rapace::service]
    pub(crate) trait Error {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t11 {
    #[::rapace::service]
    pub(crate) trait Facet {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t12 {
    #[::rapace::service]
    pub(crate) trait From {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t13 {
    #[::rapace::service]
    pub(crate) trait Future {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t14 {
    #[::rapace::service]
    pub(crate) trait HandlerError {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t15 {
    #[::rapace::service]
    pub(crate) trait IDEMPOTENT {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t16 {
    #[::rapace::service]
    pub(crate) trait ITEMS_IN {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t17 {
    #[::rapace::service]
    pub(crate) trait ITEMS_OUT {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t18 {
    #[::rapace::service]
    pub(crate) trait Infallible {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t19 {
    #[::rapace::service]
    pub(crate) trait IntoStreaming {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t20 {
    #[::rapace::service]
    pub(crate) trait METHOD {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t21 {
    #[::rapace::service]
    pub(crate) trait MethodCall {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t22 {
    #[::rapace::service]
    pub(crate) trait MethodDescriptor {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t23 {
    #[::rapace::service]
    pub(crate) trait NoStream {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t24 {
    #[::rapace::service]
    pub(crate) trait None {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t25 {
    #[::rapace::service]
    pub(crate) trait Ok {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t26 {
    #[::rapace::service]
    pub(crate) trait Option {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t27 {
    #[::rapace::service]
    pub(crate) trait OutgoingItems {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t28 {
    #[::rapace::service]
    pub(crate) trait Output {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t29 {
    #[::rapace::service]
    pub(crate) trait Proxy {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t30 {
    #[::rapace::service]
    pub(crate) trait Reader {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t31 {
    #[::rapace::service]
    pub(crate) trait Request {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t32 {
    #[::rapace::service]
    pub(crate) trait RequestError {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t33 {
    #[::rapace::service]
    pub(crate) trait Response {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t34 {
    #[::rapace::service]
    pub(crate) trait Result {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t35 {
    #[::rapace::service]
    pub(crate) trait SHAPE {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t36 {
    #[::rapace::service]
    pub(crate) trait Send {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t37 {
    #[::rapace::service]
    pub(crate) trait Serve {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t38 {
    #[::rapace::service]
    pub(crate) trait Service {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t39 {
    #[::rapace::service]
    pub(crate) trait ServiceDescriptor {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t40 {
    #[::rapace::service]
    pub(crate) trait Some {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t41 {
    #[::rapace::service]
    pub(crate) trait Status {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t42 {
    #[::rapace::service]
    pub(crate) trait StreamReceiver {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t43 {
    #[::rapace::service]
    pub(crate) trait Streaming {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t44 {
    #[::rapace::service]
    pub(crate) trait String {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t45 {
    #[::rapace::service]
    pub(crate) trait T {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t46 {
    #[::rapace::service]
    pub(crate) trait Target {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t47 {
    #[::rapace::service]
    pub(crate) trait TypedProxy {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t48 {
    #[::rapace::service]
    pub(crate) trait UnknownMethod {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t49 {
    #[::rapace::service]
    pub(crate) trait Vec {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t50 {
    #[::rapace::service]
    pub(crate) trait Wire {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t51 {
    #[::rapace::service]
    pub(crate) trait Writer {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t52 {
    #[::rapace::service]
    pub(crate) trait __macro {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t53 {
    #[::rapace::service]
    pub(crate) trait all {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t54 {
    #[::rapace::service]
    pub(crate) trait alloc {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t55 {
    #[::rapace::service]
    pub(crate) trait allow {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t56 {
    #[::rapace::service]
    pub(crate) trait arguments {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t57 {
    #[::rapace::service]
    pub(crate) trait r#as {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t58 {
    #[::rapace::service]
    pub(crate) trait ask {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t59 {
    #[::rapace::service]
    pub(crate) trait r#async {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t60 {
    #[::rapace::service]
    pub(crate) trait automatically_derived {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t61 {
    #[::rapace::service]
    pub(crate) trait r#await {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t62 {
    #[::rapace::service]
    pub(crate) trait bool {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t63 {
    #[::rapace::service]
    pub(crate) trait broken_intra_doc_links {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t64 {
    #[::rapace::service]
    pub(crate) trait clippy {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t65 {
    #[::rapace::service]
    pub(crate) trait clone {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t66 {
    #[::rapace::service]
    pub(crate) trait r#const {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t67 {
    #[::rapace::service]
    pub(crate) trait convert {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t68 {
    #[::rapace::service]
    pub(crate) trait core {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t69 {
    #[::rapace::service]
    pub(crate) trait dead_code {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t70 {
    #[::rapace::service]
    pub(crate) trait decode_reply {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t71 {
    #[::rapace::service]
    pub(crate) trait decode_request {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t72 {
    #[::rapace::service]
    pub(crate) trait deprecated {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t73 {
    #[::rapace::service]
    pub(crate) trait deref {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t74 {
    #[::rapace::service]
    pub(crate) trait derive {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t75 {
    #[::rapace::service]
    pub(crate) trait descriptor {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t76 {
    #[::rapace::service]
    pub(crate) trait doc {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t77 {
    #[::rapace::service]
    pub(crate) trait r#dyn {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t78 {
    #[::rapace::service]
    pub(crate) trait empty {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t79 {
    #[::rapace::service]
    pub(crate) trait encode {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t80 {
    #[::rapace::service]
    pub(crate) trait encode_response {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t81 {
    #[::rapace::service]
    pub(crate) trait r#enum {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t82 {
    #[::rapace::service]
    pub(crate) trait error {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t83 {
    #[::rapace::service]
    pub(crate) trait r#false {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t84 {
    #[::rapace::service]
    pub(crate) trait fmt {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t85 {
    #[::rapace::service]
    pub(crate) trait r#fn {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t86 {
    #[::rapace::service]
    pub(crate) trait r#for {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t87 {
    #[::rapace::service]
    pub(crate) trait from {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t88 {
    #[::rapace::service]
    pub(crate) trait from_proxy {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t89 {
    #[::rapace::service]
    pub(crate) trait from_receiver {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t90 {
    #[::rapace::service]
    pub(crate) trait from_request {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t91 {
    #[::rapace::service]
    pub(crate) trait from_response {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t92 {
    #[::rapace::service]
    pub(crate) trait future {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t93 {
    #[::rapace::service]
    pub(crate) trait handle {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t94 {
    #[::rapace::service]
    pub(crate) trait hidden {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t95 {
    #[::rapace::service]
    pub(crate) trait idempotent {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t96 {
    #[::rapace::service]
    pub(crate) trait r#if {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t97 {
    #[::rapace::service]
    pub(crate) trait r#impl {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t98 {
    #[::rapace::service]
    pub(crate) trait into_inner {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t99 {
    #[::rapace::service]
    pub(crate) trait into_request {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t100 {
    #[::rapace::service]
    pub(crate) trait into_streaming {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t101 {
    #[::rapace::service]
    pub(crate) trait items_in {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t102 {
    #[::rapace::service]
    pub(crate) trait items_out {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t103 {
    #[::rapace::service]
    pub(crate) trait r#let {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t104 {
    #[::rapace::service]
    pub(crate) trait local {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t105 {
    #[::rapace::service]
    pub(crate) trait marker {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t106 {
    #[::rapace::service]
    pub(crate) trait r#match {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t107 {
    #[::rapace::service]
    pub(crate) trait method {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t108 {
    #[::rapace::service]
    pub(crate) trait methods {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t109 {
    #[::rapace::service]
    pub(crate) trait r#mut {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t110 {
    #[::rapace::service]
    pub(crate) trait name {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t111 {
    #[::rapace::service]
    pub(crate) trait new {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t112 {
    #[::rapace::service]
    pub(crate) trait no_error {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t113 {
    #[::rapace::service]
    pub(crate) trait nursery {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t114 {
    #[::rapace::service]
    pub(crate) trait ok {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t115 {
    #[::rapace::service]
    pub(crate) trait ok_or {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t116 {
    #[::rapace::service]
    pub(crate) trait ops {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t117 {
    #[::rapace::service]
    pub(crate) trait option {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t118 {
    #[::rapace::service]
    pub(crate) trait own_error {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t119 {
    #[::rapace::service]
    pub(crate) trait pedantic {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t120 {
    #[::rapace::service]
    pub(crate) trait prelude {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t121 {
    #[::rapace::service]
    pub(crate) trait primitive {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t122 {
    #[::rapace::service]
    pub(crate) trait proxy {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t123 {
    #[::rapace::service]
    pub(crate) trait r#pub {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t124 {
    #[::rapace::service]
    pub(crate) trait rapace {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t125 {
    #[::rapace::service]
    pub(crate) trait read {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t126 {
    #[::rapace::service]
    pub(crate) trait result {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t127 {
    #[::rapace::service]
    pub(crate) trait r#return {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t128 {
    #[::rapace::service]
    pub(crate) trait rustdoc {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t129 {
    #[::rapace::service]
    pub(crate) trait shape {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t130 {
    #[::rapace::service]
    pub(crate) trait r#static {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t131 {
    #[::rapace::service]
    pub(crate) trait status {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t132 {
    #[::rapace::service]
    pub(crate) trait std {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t133 {
    #[::rapace::service]
    pub(crate) trait r#struct {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t134 {
    #[::rapace::service]
    pub(crate) trait take_items {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t135 {
    #[::rapace::service]
    pub(crate) trait r#trait {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t136 {
    #[::rapace::service]
    pub(crate) trait r#true {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t137 {
    #[::rapace::service]
    pub(crate) trait r#type {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t138 {
    #[::rapace::service]
    pub(crate) trait u16 {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t139 {
    #[::rapace::service]
    pub(crate) trait u32 {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t140 {
    #[::rapace::service]
    pub(crate) trait u8 {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t141 {
    #[::rapace::service]
    pub(crate) trait unreachable_patterns {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t142 {
    #[::rapace::service]
    pub(crate) trait v1 {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

pub(crate) mod t143 {
    #[::rapace::service]
    pub(crate) trait write {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}

#[no_implicit_prelude]
pub(crate) mod without_a_prelude {
    #[::rapace::service]
    pub(crate) trait Bare {
        #[rapace(message = Zz0)]
        async fn zz_value(&mut self, zz: ::core::primitive::u8) -> ::core::result::Result<::core::primitive::u8, ::core::primitive::u8>;
        #[rapace(message = Zz1)]
        async fn zz_nothing(&self);
        #[rapace(message = Zz2)]
        async fn zz_items(&self, zz: ::rapace::Streaming<::core::primitive::u8>) -> ::core::result::Result<::rapace::Streaming<::core::primitive::u8>, ::core::primitive::u8>;
    }
}
